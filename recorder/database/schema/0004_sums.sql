-- SPDX-License-Identifier: Apache-2.0
-- Sums by one thing at a time: few rows whatever the number of keys and clients, so that pages are quick. They change with
-- the rows, like `rollups`, which have every combination and answer narrower questions.

CREATE TABLE IF NOT EXISTS sums (
    part TINYINT UNSIGNED NOT NULL,               -- 0: of all; 1: by model, 2: by client, 3: by key (no minutes)
    step TINYINT UNSIGNED NOT NULL,               -- 1: of a minute, 2: of an hour, 3: of a day, 4: of ten minutes, UTC
    time DATETIME NOT NULL,                       -- when that begins
    name VARCHAR(64) NOT NULL,                    -- the model; of a client or key its hash, 16 hex digits; else empty
    fault VARCHAR(32) NOT NULL,
    attempts BIGINT UNSIGNED NOT NULL,
    calls BIGINT UNSIGNED NOT NULL,               -- those that were the last of their call: how it ended
    rescued BIGINT UNSIGNED NOT NULL,             -- good answers behind an attempt that had failed
    unseen BIGINT UNSIGNED NOT NULL,              -- attempts with this fault whose call was answered after all; not by key
    tokens_in BIGINT UNSIGNED NOT NULL,
    tokens_out BIGINT UNSIGNED NOT NULL,
    tokens_thoughts BIGINT UNSIGNED NOT NULL,
    tokens_cached BIGINT UNSIGNED NOT NULL,
    cost DECIMAL(24,12) NOT NULL,                 -- US dollars at list prices
    unpriced BIGINT UNSIGNED NOT NULL,            -- attempts with tokens of models whose price is not known
    first DATETIME(3) NOT NULL,                   -- time of the first attempt in it
    last DATETIME(3) NOT NULL,                    -- and of the last
    PRIMARY KEY (part, step, time, name, fault),
    KEY by_name (part, step, name, time)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- How long good answers took, by the same parts but for keys. Bucket n holds times from 2^(n/4) ms on, up to the next.
CREATE TABLE IF NOT EXISTS sum_times (
    part TINYINT UNSIGNED NOT NULL,
    step TINYINT UNSIGNED NOT NULL,
    time DATETIME NOT NULL,
    name VARCHAR(64) NOT NULL,
    kind TINYINT UNSIGNED NOT NULL,               -- 1: from the request's beginning to the first content, 2: to the end
    bucket TINYINT UNSIGNED NOT NULL,             -- 0 to 71
    attempts BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (part, step, time, name, kind, bucket)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What there was before.
INSERT IGNORE INTO sums SELECT 0, step, time, '', fault, SUM(attempts), SUM(IF(fault IN ('none', 'blocked'), attempts, calls)),
    SUM(rescued), 0, SUM(tokens_in), SUM(tokens_out), SUM(tokens_thoughts), SUM(tokens_cached), 0, 0, time, time
    FROM rollups GROUP BY step, time, fault;
INSERT IGNORE INTO sums SELECT 1, step, time, model, fault, SUM(attempts), SUM(IF(fault IN ('none', 'blocked'), attempts, calls)),
    SUM(rescued), 0, SUM(tokens_in), SUM(tokens_out), SUM(tokens_thoughts), SUM(tokens_cached), 0, 0, time, time
    FROM rollups GROUP BY step, time, model, fault;
INSERT IGNORE INTO sums SELECT 2, step, time, LPAD(LOWER(HEX(client)), 16, '0'), fault, SUM(attempts),
    SUM(IF(fault IN ('none', 'blocked'), attempts, calls)), SUM(rescued), 0, SUM(tokens_in), SUM(tokens_out),
    SUM(tokens_thoughts), SUM(tokens_cached), 0, 0, time, time
    FROM rollups GROUP BY step, time, client, fault;
INSERT IGNORE INTO sums SELECT 3, step, time, LPAD(LOWER(HEX(key_id)), 16, '0'), fault, SUM(attempts),
    SUM(IF(fault IN ('none', 'blocked'), attempts, calls)), SUM(rescued), 0, SUM(tokens_in), SUM(tokens_out),
    SUM(tokens_thoughts), SUM(tokens_cached), 0, 0, time, time
    FROM rollups WHERE step > 1 GROUP BY step, time, key_id, fault;
INSERT IGNORE INTO sums SELECT part, 4, ten, name, fault, SUM(attempts), SUM(calls), SUM(rescued), 0, SUM(tokens_in),
    SUM(tokens_out), SUM(tokens_thoughts), SUM(tokens_cached), 0, 0, MIN(first), MAX(last)
    FROM (SELECT *, time - INTERVAL MINUTE(time) % 10 MINUTE AS ten FROM sums WHERE step = 1) AS minutes
    GROUP BY part, ten, name, fault;
INSERT IGNORE INTO sum_times SELECT 1, step, time, model, kind, bucket, attempts FROM rollup_times;
INSERT IGNORE INTO sum_times SELECT 0, step, time, '', kind, bucket, SUM(attempts) FROM rollup_times
    GROUP BY step, time, kind, bucket;
INSERT IGNORE INTO sum_times SELECT part, 4, ten, name, kind, bucket, SUM(attempts)
    FROM (SELECT *, time - INTERVAL MINUTE(time) % 10 MINUTE AS ten FROM sum_times WHERE step = 1) AS minutes
    GROUP BY part, ten, name, kind, bucket;
