-- SPDX-License-Identifier: Apache-2.0
-- What requests asked whose attempts failed, if ERROR_LOG_RECORD_REQUEST_BODY says so: keys and data are cut out. A row
-- belongs to that of `attempts` with the same key.

CREATE TABLE IF NOT EXISTS error_bodies (
    day DATE NOT NULL,
    sender BIGINT UNSIGNED NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    time DATETIME(3) NOT NULL,
    body TEXT NOT NULL,                           -- at most 8 KiB
    PRIMARY KEY (day, sender, seq),
    KEY by_time (time)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
