/* SPDX-License-Identifier: Apache-2.0 */
/* Called by keeper.c. What must stay true: a version is given once, whatever is killed or goes away
 * in the middle; what was answered with 200 is in the database. */
#include "keeper/book.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "database/schema.h"
#include "database/values.h"
#include "keeper/client_list.h"
#include "keeper/sql.h"
#include "settings/changes.h"
#include "trace.h"

enum {
    STATEMENT_LIMIT_S = 3,
    VALUE_MOST = 1 << 20, /* characters of a setting; a BODY could hold more */
};

/* Reading */

static void on_setting(void *owner, const struct view *columns)
{
    struct bytes *json = owner;

    json_key(json, columns[0]);
    bytes_text(json, "{\"value\":");
    if (columns[1].at)
        bytes_json(json, columns[1]);
    else
        bytes_text(json, "null");
    bytes_text(json, ",\"at\":");
    bytes_append(json, columns[2]);
    bytes_text(json, ",\"by\":");
    bytes_json(json, columns[3]);
    bytes_text(json, ",\"version\":");
    bytes_append(json, columns[4]);
    bytes_text(json, "}");
}

static bool settings_read(struct book *book)
{
    struct bytes json = {0};
    uint64_t version;
    bool is_read;

    bytes_text(&json, "{");
    is_read =
        database_ask(&book->database, VIEW("SELECT version FROM versions WHERE what = 'settings'"),
                     &version) &&
        database_ask_rows(&book->database,
                          VIEW("SELECT name, value, CAST(UNIX_TIMESTAMP(changed_at) * 1000 AS "
                               "UNSIGNED), changed_by, version FROM settings ORDER BY name"),
                          on_setting, &json);
    bytes_text(&json, "}");
    if (is_read) {
        book->settings.version = version;
        bytes_copy(&book->settings.json, bytes_view(&json));
    }
    bytes_clear(&json);
    return is_read;
}

bool book_open(struct book *book)
{
    struct database *database = &book->database;

    if (database->mysql && book->is_loaded)
        return true;
    book->is_loaded = false;
    if (!database->mysql && !database_open(database, STATEMENT_LIMIT_S))
        return false;
    if (!schema_is_current(database)) {
        if (database->trouble == TROUBLE_NONE)
            database_complain(database, "its tables are not there yet");
        database_close(database);
        return false;
    }
    book->is_loaded = settings_read(book) && client_list_read(&book->database, &book->clients);
    database_rollback(database);
    if (!book->is_loaded)
        database_close(database);
    return book->is_loaded;
}

/* Writing */

bool book_put_version(struct book *book, const char *what, uint64_t version)
{
    struct bytes sql = {0};
    bool is_done;

    bytes_printf(&sql, "UPDATE versions SET version = %llu WHERE what = '%s'",
                 (unsigned long long)version, what);
    is_done = database_run(&book->database, bytes_view(&sql));
    bytes_clear(&sql);
    return is_done;
}

static bool setting_put(struct book *book, const struct changing *changing, const char *name,
                        struct view who, uint64_t utc_ms)
{
    struct bytes sql = {0};
    bool is_done;

    bytes_text(&sql,
               "REPLACE INTO settings (version, name, value, changed_by, changed_at) VALUES (");
    put_number(&sql, changing->next.version);
    sql_text(&book->database, &sql, view_of(name), VALUE_MOST);
    sql_text_or_null(&book->database, &sql, changed_value(yyjson_doc_get_root(changing->doc), name),
                     VALUE_MOST);
    sql_text(&book->database, &sql, who, 100);
    bytes_text(&sql, ",");
    put_time(&sql, utc_ms);
    bytes_text(&sql, ")");
    is_done = database_run(&book->database, bytes_view(&sql));
    bytes_clear(&sql);
    return is_done;
}

/* What was in force before, as a text. */
static bool setting_note(struct book *book, const struct changing *changing, const char *name,
                         const struct actor_name *by, uint64_t utc_ms)
{
    const struct option *option = option_find(view_of(name));
    struct view after = changed_value(yyjson_doc_get_root(changing->doc), name);
    struct bytes before = {0}, start = {0};
    bool is_done;

    option_write(option, settings_now(), ",", &before);
    option_write(option, settings_start(), ",", &start);
    if (!after.at)
        after = (struct view){bytes_cstr(&start), start.len};
    is_done = audit_put(&book->database, utc_ms, by,
                        &(struct audit_note){.what = VIEW("setting"),
                                             .object = view_of(name),
                                             .before = {bytes_cstr(&before), before.len},
                                             .after = after});
    bytes_clear(&before);
    bytes_clear(&start);
    return is_done;
}

static bool all_put(struct book *book, const struct changing *changing, const struct actor_name *by,
                    uint64_t utc_ms)
{
    yyjson_obj_iter members;
    yyjson_val *name;

    yyjson_obj_iter_init(changing->changes, &members);
    while ((name = yyjson_obj_iter_next(&members)) != NULL)
        if (!setting_put(book, changing, yyjson_get_str(name), by->who, utc_ms) ||
            !setting_note(book, changing, yyjson_get_str(name), by, utc_ms))
            return false;
    return book_put_version(book, "settings", changing->next.version);
}

int book_refuse_away(const struct book *book, struct bytes *answer)
{
    bytes_text(answer, "{\"error\":{\"code\":\"database_away\",\"message\":");
    bytes_json(answer, bytes_view(&book->database.reason));
    bytes_text(answer, "}}");
    return 503;
}

/* What the database holds counts, whoever wrote it: so it is looked at under a lock. */
static bool versions_agree(struct book *book)
{
    uint64_t version;

    if (!database_ask(&book->database,
                      VIEW("SELECT version FROM versions WHERE what = 'settings' FOR UPDATE"),
                      &version))
        return false;
    return version == book->settings.version ||
           (settings_read(book) && client_list_read(&book->database, &book->clients));
}

static bool write_down(struct book *book, const struct changing *changing,
                       const struct actor_name *by, uint64_t utc_ms)
{
    if (!all_put(book, changing, by, utc_ms))
        return false;
    trace_point("keeper.written");
    if (!database_commit(&book->database))
        return false;
    trace_point("keeper.committed");
    return true;
}

void book_lose(struct book *book)
{
    log_warn("keeper.away", F_VIEW("reason", bytes_view(&book->database.reason)));
    database_close(&book->database); /* which rolls back */
    book->is_loaded = false;
}

/* A connection that has idled may have been closed by the server: the first statement tells. */
bool book_begin(struct book *book)
{
    for (int tries = 0; tries < 2; tries++) {
        if (!book_open(book))
            return false;
        if (versions_agree(book))
            return true;
        database_close(&book->database);
        book->is_loaded = false;
    }
    return false;
}

int book_change_settings(struct book *book, struct view asked, const struct actor_name *by,
                         uint64_t utc_ms, struct bytes *answer)
{
    struct changing changing;
    int status;

    if (!book_begin(book))
        return book_refuse_away(book, answer);
    changing_read(&changing, &book->settings, asked, by->who, utc_ms);
    status = changing.status;
    if (status != 200) {
        bytes_copy(answer, bytes_view(&changing.answer));
        database_rollback(&book->database);
    } else if (write_down(book, &changing, by, utc_ms)) {
        book->settings.version = changing.next.version;
        bytes_copy(&book->settings.json, bytes_view(&changing.next.json));
    } else {
        status = book_refuse_away(book, answer);
        book_lose(book);
    }
    changing_clear(&changing);
    return status;
}

bool book_note(struct book *book, uint64_t utc_ms, const struct actor_name *by,
               const struct audit_note *note)
{
    bool is_done = book_begin(book) && audit_put(&book->database, utc_ms, by, note) &&
                   database_commit(&book->database);

    if (!is_done && book->database.mysql)
        book_lose(book);
    return is_done;
}

void book_clear(struct book *book)
{
    database_clear(&book->database);
    bytes_clear(&book->settings.json);
    bytes_clear(&book->clients.json);
}
