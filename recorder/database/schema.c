/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations. To add one: a file recorder/database/schema/NNNN_what.sql and a line in the two lists below.
 * What must stay true: a migration that has been in a release is never changed, only followed by
 * another. */
#include "database/schema.h"

#include <stdlib.h>

#include "base/log.h"

/* The text of a file, with a zero behind it; -Irecorder leads the assembler there. */
/* NOLINTBEGIN(bugprone-macro-parentheses): literals, which the compiler joins */
#define SQL_FILE(symbol, file)                                                                     \
    __asm__(".section .rodata\n" #symbol ":\n.incbin \"database/schema/" file                      \
            "\"\n.byte 0\n.previous\n");                                                           \
    extern const char symbol[] __attribute__((visibility("hidden")))
/* NOLINTEND(bugprone-macro-parentheses) */

SQL_FILE(schema_0001, "0001_attempts.sql");
SQL_FILE(schema_0002, "0002_rollups.sql");
SQL_FILE(schema_0003, "0003_attempts_wider.sql");
SQL_FILE(schema_0004, "0004_sums.sql");
SQL_FILE(schema_0005, "0005_no_rollup_times.sql");
SQL_FILE(schema_0006, "0006_settings.sql");
SQL_FILE(schema_0007, "0007_error_bodies.sql");
SQL_FILE(schema_0008, "0008_clients.sql");

const struct migration migrations[] = {
    {1, "0001_attempts.sql", schema_0001},
    {2, "0002_rollups.sql", schema_0002},
    {3, "0003_attempts_wider.sql", schema_0003},
    {4, "0004_sums.sql", schema_0004},
    {5, "0005_no_rollup_times.sql", schema_0005},
    {6, "0006_settings.sql", schema_0006},
    {7, "0007_error_bodies.sql", schema_0007},
    {8, "0008_clients.sql", schema_0008},
    {0, NULL, NULL},
};

bool schema_statement(struct view *sql, struct view *statement)
{
    size_t len = 0;

    *sql = view_trim(*sql);
    if (!sql->len)
        return false;
    while (len < sql->len &&
           !(sql->at[len] == ';' && (len + 1 == sql->len || sql->at[len + 1] == '\n')))
        len++;
    *statement = (struct view){sql->at, len};
    *sql = view_skip(*sql, len < sql->len ? len + 1 : len);
    return true;
}

static bool table_make(struct database *database)
{
    return database_run(
        database, VIEW("CREATE TABLE IF NOT EXISTS migrations ("
                       "number INT UNSIGNED NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, "
                       "applied TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) "
                       "ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4"));
}

/* The number of the last migration that was applied. */
static bool last_read(struct database *database, uint64_t *last)
{
    return database_ask(database, VIEW("SELECT COALESCE(MAX(number), 0) FROM migrations"), last);
}

bool schema_is_current(struct database *database)
{
    uint64_t last;

    if (!last_read(database, &last))
        return false;
    database_rollback(database); /* a transaction left open would keep old versions of rows alive */
    for (const struct migration *migration = migrations; migration->number; migration++)
        if (migration->number > last)
            return false;
    return true;
}

enum { THERE_IS_SUCH_A_COLUMN = 1060 };

/* A migration that was cut short behind its ALTER TABLE finds the columns. */
static bool statement_run(struct database *database, struct view statement)
{
    return database_run(database, statement) || database->code == THERE_IS_SUCH_A_COLUMN;
}

static bool migration_apply(struct database *database, const struct migration *migration)
{
    struct view sql = view_of(migration->sql), statement;
    struct bytes mark = {0};
    bool is_done;

    while (schema_statement(&sql, &statement))
        if (!statement_run(database, statement))
            return false;
    bytes_printf(&mark, "INSERT INTO migrations (number, name) VALUES (%u, '%s')",
                 migration->number, migration->name);
    is_done = database_run(database, bytes_view(&mark)) && database_commit(database);
    bytes_clear(&mark);
    if (is_done)
        log_info("schema.applied", F_STR("migration", migration->name));
    return is_done;
}

static bool missing_apply(struct database *database)
{
    uint64_t last;

    if (!table_make(database) || !last_read(database, &last))
        return false;
    for (const struct migration *migration = migrations; migration->number; migration++)
        if (migration->number > last && !migration_apply(database, migration))
            return false;
    return true;
}

bool schema_apply(struct database *database)
{
    uint64_t is_ours, is_freed;
    bool is_done;

    if (!database_ask(database,
                      VIEW("SELECT GET_LOCK(CONCAT(LEFT(DATABASE(), 40), '.migrations'), 30)"),
                      &is_ours))
        return false;
    if (!is_ours)
        return database_complain(database, "another process is changing the schema");
    is_done = missing_apply(database);
    if (!database_ask(database,
                      VIEW("SELECT RELEASE_LOCK(CONCAT(LEFT(DATABASE(), 40), '.migrations'))"),
                      &is_freed))
        return false;
    return is_done;
}
