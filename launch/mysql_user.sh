#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run once by MySQL's image when its database is made: the user of MYSQL_USER, if that is another than root. (The image's own
# MYSQL_USER refuses "root", which many .env files say.)
set -eu

[[ ${GATEWAY_USER:-root} != root ]] || exit 0
quoted() { printf "%s" "$1" | sed "s/[\\\\']/\\\\&/g"; }
mysql --protocol=socket -uroot -p"$MYSQL_ROOT_PASSWORD" <<SQL
CREATE USER IF NOT EXISTS '$(quoted "$GATEWAY_USER")'@'%' IDENTIFIED BY '$(quoted "$MYSQL_ROOT_PASSWORD")';
GRANT ALL ON \`$(printf "%s" "$MYSQL_DATABASE" | sed 's/`/``/g')\`.* TO '$(quoted "$GATEWAY_USER")'@'%';
SQL
