/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL client library, tamed. What must stay true: no statement waits longer than its limit,
 * and only an error that certainly is about the row's content counts as one, since such a row is
 * set aside for good. */
#include "database/database.h"

#include <mysql.h>
#include <mysqld_error.h>
#include <stdlib.h>

#include "settings/options.h"

enum {
    CONNECT_LIMIT_S = 10,
    COLUMNS_MOST = 24,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Errors */

static bool is_one_of(unsigned code, const unsigned *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == code)
            return true;
    return false;
}

enum trouble database_judge(unsigned code, const char *state)
{
    static const unsigned again[] = {ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT, ER_CHECKREAD};
    /* About the row, though SQLSTATE doesn't say so. */
    static const unsigned data[] = {ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, WARN_DATA_TRUNCATED,
                                    ER_NO_DEFAULT_FOR_FIELD, ER_NO_PARTITION_FOR_GIVEN_VALUE,
                                    ER_NET_PACKET_TOO_LARGE};

    if (code == 0)
        return TROUBLE_NONE;
    if (is_one_of(code, again, COUNT(again)))
        return TROUBLE_AGAIN;
    if (is_one_of(code, data, COUNT(data)))
        return TROUBLE_DATA;
    /* 22: data exceptions; 23: constraints; 45: a trigger's SIGNAL. */
    if (strncmp(state, "22", 2) == 0 || strncmp(state, "23", 2) == 0 ||
        strncmp(state, "45", 2) == 0)
        return TROUBLE_DATA;
    return TROUBLE_AWAY;
}

static bool note(struct database *database, bool is_good)
{
    if (is_good) {
        database->trouble = TROUBLE_NONE;
        database->code = 0;
        return true;
    }
    database->code = mysql_errno(database->mysql);
    database->trouble = database_judge(database->code, mysql_sqlstate(database->mysql));
    if (database->trouble == TROUBLE_NONE)
        database->trouble = TROUBLE_AWAY;
    bytes_copy(&database->reason, view_of(mysql_error(database->mysql)));
    return false;
}

bool database_complain(struct database *database, const char *reason)
{
    database->code = 0;
    database->trouble = TROUBLE_AWAY;
    bytes_copy(&database->reason, view_of(reason));
    return false;
}

/* Opening */

static const char *text_or_null(const char *text)
{
    return *text ? text : NULL;
}

void database_place(struct database_place *place)
{
    static const char *private_socket;
    const struct settings *settings = settings_now();
    bool is_private = !*settings->mysql_host && !*settings->mysql_socket;
    const char *password = settings->mysql_password.hidden.at;

    if (is_private && !private_socket)
        private_socket = options_path("db/mysql.sock");
    place->socket = is_private ? private_socket : text_or_null(settings->mysql_socket);
    place->host = place->socket ? "localhost" : settings->mysql_host;
    place->user = text_or_null(settings->mysql_user);
    if (is_private && !place->user)
        place->user = "root";
    place->password = password ? password : "";
    place->database = settings->mysql_database;
    place->port = (unsigned)settings->mysql_port;
}

static bool connect_to_server(struct database *database)
{
    struct database_place place;

    database_place(&place);
    return note(database,
                mysql_real_connect(database->mysql, place.host, place.user, place.password, NULL,
                                   place.port, place.socket, 0) != NULL);
}

/* The database's name as SQL wants it: in backquotes, those inside doubled. */
static void append_name(struct bytes *sql)
{
    bytes_text(sql, "`");
    for (const char *at = settings_now()->mysql_database; *at; at++)
        bytes_append(sql, (struct view){*at == '`' ? "``" : at, *at == '`' ? 2 : 1});
    bytes_text(sql, "`");
}

static bool use_database(struct database *database)
{
    struct bytes sql = {0};
    bool is_there =
        note(database, mysql_select_db(database->mysql, settings_now()->mysql_database) == 0);

    if (is_there || database->code != ER_BAD_DB_ERROR)
        return is_there;
    bytes_text(&sql, "CREATE DATABASE IF NOT EXISTS ");
    append_name(&sql);
    bytes_text(&sql, " CHARACTER SET utf8mb4");
    is_there =
        database_run(database, bytes_view(&sql)) &&
        note(database, mysql_select_db(database->mysql, settings_now()->mysql_database) == 0);
    bytes_clear(&sql);
    return is_there;
}

bool database_open(struct database *database, unsigned limit_s)
{
    unsigned connect_limit_s = limit_s < CONNECT_LIMIT_S ? limit_s : CONNECT_LIMIT_S;

    database_close(database);
    database->mysql = mysql_init(NULL);
    if (!database->mysql)
        abort();
    mysql_options(database->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_limit_s);
    mysql_options(database->mysql, MYSQL_OPT_READ_TIMEOUT, &limit_s);
    mysql_options(database->mysql, MYSQL_OPT_WRITE_TIMEOUT, &limit_s);
    mysql_options(database->mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (connect_to_server(database) && use_database(database) &&
        database_run(database, VIEW("SET SESSION autocommit = 0, time_zone = '+00:00', "
                                    "wait_timeout = 2000000, " /* weeks without a record */
                                    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")))
        return true;
    database_close(database);
    return false;
}

void database_close(struct database *database)
{
    if (database->mysql)
        mysql_close(database->mysql);
    database->mysql = NULL;
}

void database_clear(struct database *database)
{
    database_close(database);
    bytes_clear(&database->reason);
}

void database_end(void)
{
    mysql_library_end();
}

/* Statements */

void database_quote(const struct database *database, struct bytes *sql, struct view text)
{
    char *at;

    bytes_text(sql, "'");
    at = bytes_room(sql, 2 * text.len + 2);
    sql->len += mysql_real_escape_string(database->mysql, at, text.at, text.len);
    bytes_text(sql, "'");
}

bool database_run(struct database *database, struct view sql)
{
    return note(database, mysql_real_query(database->mysql, sql.at, sql.len) == 0);
}

static uint64_t number_of(const char *text)
{
    return text ? strtoull(text, NULL, 10) : 0;
}

bool database_ask_pairs(struct database *database, struct view sql,
                        void (*on_pair)(void *owner, uint64_t a, uint64_t b), void *owner)
{
    MYSQL_RES *result;
    MYSQL_ROW row;

    if (!database_run(database, sql))
        return false;
    result = mysql_store_result(database->mysql);
    if (!note(database, result != NULL))
        return false;
    while ((row = mysql_fetch_row(result)) != NULL)
        on_pair(owner, number_of(row[0]), mysql_num_fields(result) > 1 ? number_of(row[1]) : 0);
    mysql_free_result(result);
    return true;
}

bool database_ask_rows(struct database *database, struct view sql,
                       void (*on_row)(void *owner, const struct view *columns), void *owner)
{
    struct view columns[COLUMNS_MOST];
    MYSQL_RES *result;
    MYSQL_ROW row;

    if (!database_run(database, sql))
        return false;
    result = mysql_store_result(database->mysql);
    if (!note(database, result != NULL))
        return false;
    while ((row = mysql_fetch_row(result)) != NULL) {
        const unsigned long *lengths = mysql_fetch_lengths(result);

        for (unsigned i = 0; i < mysql_num_fields(result) && i < COLUMNS_MOST; i++)
            columns[i] = (struct view){row[i], row[i] ? lengths[i] : 0};
        on_row(owner, columns);
    }
    mysql_free_result(result);
    return true;
}

static void on_number(void *owner, uint64_t a, uint64_t b)
{
    (void)b;
    *(uint64_t *)owner = a;
}

bool database_ask(struct database *database, struct view sql, uint64_t *number)
{
    *number = 0;
    return database_ask_pairs(database, sql, on_number, number);
}

bool database_commit(struct database *database)
{
    return note(database, mysql_commit(database->mysql) == 0);
}

void database_rollback(struct database *database)
{
    if (database->mysql)
        mysql_rollback(database->mysql);
}
