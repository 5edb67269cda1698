#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the compose file counts on of mysql:5.7: MYSQL_ROOT_PASSWORD, MYSQL_DATABASE, /docker-entrypoint-initdb.d/*.sh once, and
# no MYSQL_USER=root.
set -euo pipefail

[[ ${MYSQL_USER:-} != root ]] || { echo 'MYSQL_USER="root" cannot be used' >&2; exit 1; }
server=(mariadbd --user=mysql --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock --innodb-buffer-pool-size=64M)
if [[ ! -d /var/lib/mysql/mysql ]]; then
    [[ -n ${MYSQL_ROOT_PASSWORD:-} ]] || { echo 'MYSQL_ROOT_PASSWORD is not set' >&2; exit 1; }
    mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=normal >/dev/null
    "${server[@]}" --skip-networking &
    until mariadb -uroot -e '' 2>/dev/null; do sleep 0.2; done
    mariadb -uroot <<SQL
CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;
ALTER USER root@localhost IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
CREATE USER root@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
SQL
    for script in /docker-entrypoint-initdb.d/*.sh; do
        [[ ! -e $script ]] || bash "$script"
    done
    mariadb-admin -uroot -p"$MYSQL_ROOT_PASSWORD" shutdown
    wait
fi
exec "${server[@]}" --bind-address=0.0.0.0
