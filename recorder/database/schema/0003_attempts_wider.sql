-- SPDX-License-Identifier: Apache-2.0
-- What the way of a call cost and why it went so, beside each attempt; and what it would cost at list prices.

ALTER TABLE attempts
    ADD COLUMN route VARCHAR(48) NOT NULL DEFAULT '',               -- that the client asked for
    ADD COLUMN request BIGINT UNSIGNED NOT NULL DEFAULT 0,          -- number of the client's request (x-request-id)
    ADD COLUMN asked DATETIME(3) NULL,                              -- when that began to come, UTC
    ADD COLUMN read_us INT UNSIGNED NOT NULL DEFAULT 0,             -- the frontend: until it was there
    ADD COLUMN translate_us INT UNSIGNED NOT NULL DEFAULT 0,        -- from then until the call was offered
    ADD COLUMN wait_us BIGINT UNSIGNED NOT NULL DEFAULT 0,          -- the balancer: until this attempt's key was chosen
    ADD COLUMN pick_us INT UNSIGNED NOT NULL DEFAULT 0,             -- that the choice took
    ADD COLUMN keys_seen INT UNSIGNED NOT NULL DEFAULT 0,           -- keys that were considered; of these …
    ADD COLUMN keys_cooling INT UNSIGNED NOT NULL DEFAULT 0,        -- … cooled down,
    ADD COLUMN keys_spent INT UNSIGNED NOT NULL DEFAULT 0,          -- had no quota left,
    ADD COLUMN keys_dead INT UNSIGNED NOT NULL DEFAULT 0,           -- are refused by the provider,
    ADD COLUMN keys_off INT UNSIGNED NOT NULL DEFAULT 0,            -- are switched off,
    ADD COLUMN keys_full INT UNSIGNED NOT NULL DEFAULT 0,           -- had no room for this call beside others
    ADD COLUMN chosen_by VARCHAR(16) NOT NULL DEFAULT '',           -- why it was this key; empty: its turn
    ADD COLUMN proxy VARCHAR(64) NOT NULL DEFAULT '',               -- host and port of the way out; empty: straight
    ADD COLUMN connect_us INT UNSIGNED NOT NULL DEFAULT 0,          -- until a new connection was there; 0: a kept one
    ADD COLUMN retry_ms BIGINT UNSIGNED NOT NULL DEFAULT 0,         -- exactly as long as the provider said to wait
    ADD COLUMN quota_id VARCHAR(64) NOT NULL DEFAULT '',            -- that the provider named
    ADD COLUMN quota_value BIGINT UNSIGNED NOT NULL DEFAULT 0,      -- its limit
    ADD COLUMN words VARCHAR(200) NOT NULL DEFAULT '',              -- the provider's, keys masked
    ADD COLUMN earlier VARCHAR(128) NOT NULL DEFAULT '',            -- faults of the call's attempts before this one
    ADD COLUMN reply_us BIGINT UNSIGNED NOT NULL DEFAULT 0,         -- from the request's beginning until its client had all
    ADD COLUMN is_last BOOLEAN NOT NULL DEFAULT TRUE,               -- no further attempt of this call followed
    ADD COLUMN cost DECIMAL(20,12) NULL,                            -- US dollars; NULL: no price is known
    ADD KEY by_call (call_id, attempt);
