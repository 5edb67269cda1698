/* SPDX-License-Identifier: Apache-2.0 */
/* The client library's calls that do not block, one after the other: connect, prepare, ask, fetch.
 * What must stay true: every statement runs in a session that can only read and that the server
 * itself stops at the limit, and on_end comes once for each reader_ask that is not stopped. */
#include "query/reader.h"

#include <mysql.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "database/database.h"

enum {
    TIMED_OUT_MARIADB = 1969,
    TIMED_OUT_MYSQL = 3024,
    CLIENT_ERROR_FIRST = 2000, /* the client library's own: the connection is gone */
    CLIENT_ERROR_LAST = 2999,
};

/* A call of the client library that may have to wait. Both functions return what it waits for; 0:
 * it has ended, and is_good says how. */
struct reader_step {
    int (*start)(struct reader *reader);
    int (*go_on)(struct reader *reader, int ready);
    void (*end)(struct reader *reader);
};

static const struct reader_step connecting, preparing, asking, fetching;

void reader_open(struct reader *reader, struct loop *loop, unsigned limit_ms,
                 reader_callback *on_end, void *owner)
{
    *reader = (struct reader){.loop = loop,
                              .on_end = on_end,
                              .owner = owner,
                              .limit_ms = limit_ms,
                              .fd = -1,
                              .due_ms = UINT64_MAX};
}

static void unwatch(struct reader *reader)
{
    if (reader->fd >= 0)
        loop_remove(reader->loop, reader->fd);
    reader->fd = -1;
    reader->due_ms = UINT64_MAX;
}

void reader_stop(struct reader *reader)
{
    unwatch(reader);
    reader->step = NULL;
    if (reader->mysql)
        mysql_close(reader->mysql);
    reader->mysql = NULL;
}

void reader_close(struct reader *reader)
{
    reader_stop(reader);
    bytes_clear(&reader->sql);
    bytes_clear(&reader->json);
}

/* Going on */

static void on_socket(void *data, int fd, unsigned events);

static void watch(struct reader *reader, int status)
{
    unsigned events = (status & (MYSQL_WAIT_READ | MYSQL_WAIT_EXCEPT) ? LOOP_READ : 0) |
                      (status & MYSQL_WAIT_WRITE ? LOOP_WRITE : 0);

    reader->fd = mysql_get_socket(reader->mysql);
    loop_set(reader->loop, reader->fd, events, on_socket, reader);
    if (status & MYSQL_WAIT_TIMEOUT)
        reader->due_ms = clock_ms() + mysql_get_timeout_value_ms(reader->mysql);
}

static void take_status(struct reader *reader, int status)
{
    const struct reader_step *step = reader->step;

    if (status) {
        watch(reader, status);
        return;
    }
    reader->step = NULL;
    step->end(reader);
}

static void begin(struct reader *reader, const struct reader_step *step)
{
    reader->step = step;
    take_status(reader, step->start(reader));
}

static void go_on(struct reader *reader, int ready)
{
    unwatch(reader); /* the library may close this socket and try another address */
    take_status(reader, reader->step->go_on(reader, ready));
}

static void on_socket(void *data, int fd, unsigned events)
{
    int ready = (events & (LOOP_READ | LOOP_BROKEN) ? MYSQL_WAIT_READ : 0) |
                (events & (LOOP_WRITE | LOOP_BROKEN) ? MYSQL_WAIT_WRITE : 0);

    (void)fd;
    go_on(data, ready);
}

void reader_tick(struct reader *reader, uint64_t now_ms)
{
    if (reader->step && now_ms >= reader->due_ms)
        go_on(reader, MYSQL_WAIT_TIMEOUT);
}

/* Ends */

static bool is_lost(unsigned code)
{
    return code >= CLIENT_ERROR_FIRST && code <= CLIENT_ERROR_LAST;
}

static void end_away(struct reader *reader)
{
    bytes_copy(&reader->json, view_of(mysql_error(reader->mysql)));
    reader_stop(reader);
    reader->on_end(reader->owner, READER_AWAY, bytes_view(&reader->json));
}

static void connect_anew(struct reader *reader);

static void end_badly(struct reader *reader)
{
    unsigned code = mysql_errno(reader->mysql);
    bool is_slow = code == TIMED_OUT_MARIADB || code == TIMED_OUT_MYSQL;

    if (is_lost(code) && !reader->is_fresh) { /* it had idled, and the server has closed it */
        connect_anew(reader);
        return;
    }
    if (is_lost(code)) {
        end_away(reader);
        return;
    }
    bytes_copy(&reader->json, view_of(mysql_error(reader->mysql)));
    reader->on_end(reader->owner, is_slow ? READER_SLOW : READER_FAULT, bytes_view(&reader->json));
}

/* Connecting */

static int connecting_start(struct reader *reader)
{
    struct database_place place;
    MYSQL *got = NULL;
    int status;

    database_place(&place);
    status = mysql_real_connect_start(&got, reader->mysql, place.host, place.user, place.password,
                                      place.database, place.port, place.socket, 0);
    reader->is_good = got != NULL;
    return status;
}

static int connecting_go_on(struct reader *reader, int ready)
{
    MYSQL *got = NULL;
    int status = mysql_real_connect_cont(&got, reader->mysql, ready);

    reader->is_good = got != NULL;
    return status;
}

static void connecting_end(struct reader *reader)
{
    if (reader->is_good)
        begin(reader, &preparing);
    else
        end_away(reader);
}

static const struct reader_step connecting = {connecting_start, connecting_go_on, connecting_end};

static void connect_anew(struct reader *reader)
{
    unsigned limit_s = reader->limit_ms / 1000 + 1;

    reader_stop(reader);
    reader->mysql = mysql_init(NULL);
    if (!reader->mysql)
        abort();
    reader->prepared = 0;
    reader->is_fresh = true;
    mysql_options(reader->mysql, MYSQL_OPT_NONBLOCK, 0);
    mysql_options(reader->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &limit_s);
    mysql_options(reader->mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    begin(reader, &connecting);
}

/* Preparing the session: each statement must succeed, or nothing is asked. */

static int run(struct reader *reader, struct view sql)
{
    int bad = 0;
    int status = mysql_real_query_start(&bad, reader->mysql, sql.at, sql.len);

    reader->is_good = !bad;
    return status;
}

static int run_go_on(struct reader *reader, int ready)
{
    int bad = 0;
    int status = mysql_real_query_cont(&bad, reader->mysql, ready);

    reader->is_good = !bad;
    return status;
}

static int preparing_start(struct reader *reader)
{
    bool is_mariadb = strstr(mysql_get_server_info(reader->mysql), "MariaDB") != NULL;
    char limit[100];

    switch (reader->prepared) {
    case 0:
        return run(reader, VIEW("SET SESSION TRANSACTION READ ONLY"));
    case 1:
        return run(reader, VIEW("SET SESSION autocommit = 1, time_zone = '+00:00'"));
    default:
        snprintf(limit, sizeof(limit), "SET SESSION %s = %u",
                 is_mariadb ? "max_statement_time" : "max_execution_time",
                 is_mariadb ? reader->limit_ms / 1000 : reader->limit_ms);
        bytes_copy(&reader->json, view_of(limit)); /* which lives until the statement is sent */
        return run(reader, bytes_view(&reader->json));
    }
}

static void preparing_end(struct reader *reader)
{
    if (!reader->is_good)
        end_away(reader);
    else if (++reader->prepared < 3)
        begin(reader, &preparing);
    else
        begin(reader, &asking);
}

static const struct reader_step preparing = {preparing_start, run_go_on, preparing_end};

/* Asking */

static int asking_start(struct reader *reader)
{
    return run(reader, bytes_view(&reader->sql));
}

static void asking_end(struct reader *reader)
{
    if (reader->is_good)
        begin(reader, &fetching);
    else
        end_badly(reader);
}

static const struct reader_step asking = {asking_start, run_go_on, asking_end};

/* Fetching */

static int fetching_start(struct reader *reader)
{
    return mysql_store_result_start(&reader->result, reader->mysql);
}

static int fetching_go_on(struct reader *reader, int ready)
{
    return mysql_store_result_cont(&reader->result, reader->mysql, ready);
}

static void write_row(struct bytes *out, const MYSQL_FIELD *fields, unsigned count, MYSQL_ROW row,
                      const unsigned long *lengths)
{
    bytes_text(out, "{");
    for (unsigned i = 0; i < count; i++) {
        bytes_printf(out, "%s\"%s\":", i ? "," : "", fields[i].name);
        if (!row[i])
            bytes_text(out, "null");
        else if (IS_NUM(fields[i].type))
            bytes_append(out, (struct view){row[i], lengths[i]});
        else
            bytes_json(out, (struct view){row[i], lengths[i]});
    }
    bytes_text(out, "}");
}

static void write_rows(struct reader *reader)
{
    MYSQL_RES *result = reader->result;
    MYSQL_ROW row;

    bytes_copy(&reader->json, VIEW("["));
    while ((row = mysql_fetch_row(result)) != NULL) {
        bytes_text(&reader->json, reader->json.len > 1 ? "," : "");
        write_row(&reader->json, mysql_fetch_fields(result), mysql_num_fields(result), row,
                  mysql_fetch_lengths(result));
    }
    bytes_text(&reader->json, "]");
}

static void fetching_end(struct reader *reader)
{
    if (!reader->result) {
        end_badly(reader);
        return;
    }
    write_rows(reader);
    mysql_free_result(reader->result);
    reader->result = NULL;
    reader->on_end(reader->owner, READER_ROWS, bytes_view(&reader->json));
}

static const struct reader_step fetching = {fetching_start, fetching_go_on, fetching_end};

void reader_ask(struct reader *reader, struct view sql)
{
    bytes_copy(&reader->sql, sql);
    reader->is_fresh = false;
    if (reader->mysql)
        begin(reader, &asking);
    else
        connect_anew(reader);
}
