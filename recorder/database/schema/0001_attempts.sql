-- SPDX-License-Identifier: Apache-2.0
-- One row for each request to the provider, and for each sender of records how far its rows have come. A statement ends
-- with a semicolon at a line's end; each must do no harm when it is run again, since a migration may be cut short.

CREATE TABLE IF NOT EXISTS attempts (
    day DATE NOT NULL,                            -- of `time`; in the key so that days can become partitions
    sender BIGINT UNSIGNED NOT NULL,              -- incarnation of the upstream that made the attempt
    seq BIGINT UNSIGNED NOT NULL,                 -- its number there
    time DATETIME(3) NOT NULL,                    -- of the attempt's start, UTC
    frontend BIGINT UNSIGNED NOT NULL,            -- with call_id names the client's call
    call_id BIGINT UNSIGNED NOT NULL,
    attempt INT UNSIGNED NOT NULL,                -- which attempt of that call
    client BIGINT UNSIGNED NOT NULL,              -- hash of the client's token
    key_id BIGINT UNSIGNED NOT NULL,              -- hash of the provider's key
    model VARCHAR(64) NOT NULL,
    operation VARCHAR(32) NOT NULL,
    stream BOOLEAN NOT NULL,
    status SMALLINT UNSIGNED NOT NULL,            -- the provider's HTTP status; 0: none came
    fault VARCHAR(32) NOT NULL,
    first_ms INT UNSIGNED NOT NULL,               -- to the first content; 0: none came
    total_ms INT UNSIGNED NOT NULL,
    tokens_in INT UNSIGNED NOT NULL,
    tokens_out INT UNSIGNED NOT NULL,
    tokens_thoughts INT UNSIGNED NOT NULL,
    tokens_cached INT UNSIGNED NOT NULL,
    bytes_in BIGINT UNSIGNED NOT NULL,
    bytes_out BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (day, sender, seq),
    KEY by_time (time),
    KEY by_model (model, time),
    KEY by_key (key_id, time),
    KEY by_client (client, time),
    KEY by_fault (fault, time)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS senders (
    sender BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    last_seq BIGINT UNSIGNED NOT NULL,            -- all up to this one are rows, or set aside
    gap BIGINT UNSIGNED NOT NULL,                 -- attempts that the sender could not keep
    refused BIGINT UNSIGNED NOT NULL,             -- records set aside because the database would not take them
    seen DATETIME(3) NOT NULL                     -- time of its newest row
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
