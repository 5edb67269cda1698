-- SPDX-License-Identifier: Apache-2.0
-- Clients that have a token of their own. Times are milliseconds since 1970, UTC.

CREATE TABLE IF NOT EXISTS clients (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,      -- as `client` of the ledger has it
    name VARCHAR(100) NOT NULL,
    hash CHAR(64) CHARACTER SET ascii NOT NULL,   -- SHA-256 of the token, in hex; the token itself is nowhere
    tail CHAR(4) CHARACTER SET ascii NOT NULL,    -- its last characters
    old_hash CHAR(64) CHARACTER SET ascii NULL,   -- of the token before, which is good until then
    old_until BIGINT UNSIGNED NOT NULL DEFAULT 0,
    models MEDIUMTEXT NOT NULL,                   -- JSON list of names or patterns; empty: all
    rpm BIGINT UNSIGNED NOT NULL,                 -- calls in a minute; 0: no limit, here and below
    tokens_per_day BIGINT UNSIGNED NOT NULL,
    cost_per_day_usd VARCHAR(20) NOT NULL,        -- as it was written
    expires_at BIGINT UNSIGNED NOT NULL,          -- 0: never
    revoked_at BIGINT UNSIGNED NOT NULL DEFAULT 0,
    created_at BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY by_hash (hash)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;
