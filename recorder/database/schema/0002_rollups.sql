-- SPDX-License-Identifier: Apache-2.0
-- Sums of `attempts`, which pages read in its place. They change in the transaction that stores the rows, so they agree with
-- them at every moment; rows of before this table are not in them. Attempts are counted under the time of their start.

CREATE TABLE IF NOT EXISTS rollups (
    step TINYINT UNSIGNED NOT NULL,               -- 1: of a minute, 2: of an hour, 3: of a day, UTC
    time DATETIME NOT NULL,                       -- when that begins
    model VARCHAR(64) NOT NULL,
    key_id BIGINT UNSIGNED NOT NULL,
    client BIGINT UNSIGNED NOT NULL,
    fault VARCHAR(32) NOT NULL,
    attempts BIGINT UNSIGNED NOT NULL,
    calls BIGINT UNSIGNED NOT NULL,               -- those that were the first of their call
    rescued BIGINT UNSIGNED NOT NULL,             -- good answers behind an attempt that had failed: nobody saw that
    total_ms BIGINT UNSIGNED NOT NULL,
    tokens_in BIGINT UNSIGNED NOT NULL,
    tokens_out BIGINT UNSIGNED NOT NULL,
    tokens_thoughts BIGINT UNSIGNED NOT NULL,
    tokens_cached BIGINT UNSIGNED NOT NULL,
    bytes_in BIGINT UNSIGNED NOT NULL,
    bytes_out BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (step, time, model, key_id, client, fault)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How long good answers took: percentiles of several rows are read from the sum of their buckets. Bucket n holds times from
-- 2^(n/4) ms on, up to the next; the first and the last are open.
CREATE TABLE IF NOT EXISTS rollup_times (
    step TINYINT UNSIGNED NOT NULL,
    time DATETIME NOT NULL,
    model VARCHAR(64) NOT NULL,
    kind TINYINT UNSIGNED NOT NULL,               -- 1: to the first content, 2: in all
    bucket TINYINT UNSIGNED NOT NULL,             -- 0 to 71
    attempts BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (step, time, model, kind, bucket)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
