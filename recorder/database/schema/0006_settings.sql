-- SPDX-License-Identifier: Apache-2.0
-- What administrators change while the gateway runs, and who changed what.

-- The versions of what the processes are told: settings, keys, clients.
CREATE TABLE IF NOT EXISTS versions (
    what VARCHAR(16) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    version BIGINT UNSIGNED NOT NULL              -- counts the change sets
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

INSERT IGNORE INTO versions (what, version) VALUES ('settings', 0), ('keys', 0), ('clients', 0);

CREATE TABLE IF NOT EXISTS settings (
    name VARCHAR(64) CHARACTER SET ascii NOT NULL PRIMARY KEY,
    value MEDIUMTEXT NULL,                        -- NULL: what the start says holds again
    version BIGINT UNSIGNED NOT NULL,             -- of the change set that it came with
    changed_at DATETIME(3) NOT NULL,              -- UTC
    changed_by VARCHAR(100) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE IF NOT EXISTS audit (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    at DATETIME(3) NOT NULL,                      -- UTC
    who VARCHAR(100) NOT NULL,
    address VARCHAR(64) NOT NULL,
    what VARCHAR(32) NOT NULL,                    -- setting, login, keys.add, …
    object VARCHAR(200) NOT NULL,                 -- a setting's name, a key's last characters, …
    before_value MEDIUMTEXT NULL,                 -- never a secret
    after_value MEDIUMTEXT NULL,
    KEY by_what (what, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;
