/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations are cut into statements, and none of the files is forgotten. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "database/schema.h"

static const struct {
    const char *what, *sql;
    const char *want[4];
} texts[] = {
    {"nothing", "", {NULL}},
    {"blanks", " \n\t\n", {NULL}},
    {"one without an end", "SELECT 1", {"SELECT 1"}},
    {"two", "SELECT 1;\nSELECT 2;\n", {"SELECT 1", "SELECT 2"}},
    {"a semicolon inside a line",
     "SELECT ';' ; -- a; b\n;\nSELECT 2;",
     {"SELECT ';' ; -- a; b\n", "SELECT 2"}},
};

static void a_statement_ends_with_a_semicolon_at_a_lines_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct view sql = view_of(texts[i].sql), statement;
        size_t count = 0;

        while (schema_statement(&sql, &statement)) {
            if (!texts[i].want[count] || !view_equal(statement, view_of(texts[i].want[count])))
                fail_msg("%s: statement %zu is %.*s", texts[i].what, count, (int)statement.len,
                         statement.at);
            count++;
        }
        if (texts[i].want[count])
            fail_msg("%s: no statement %zu", texts[i].what, count);
    }
}

static int is_sql(const struct dirent *entry)
{
    return strstr(entry->d_name, ".sql") != NULL;
}

static void every_file_is_a_migration_in_the_order_of_the_names(void **state)
{
    struct dirent **files;
    int count = scandir("recorder/database/schema", &files, is_sql, alphasort);
    char text[100 * 1000];

    (void)state;
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        char path[300];
        FILE *file;

        snprintf(path, sizeof(path), "recorder/database/schema/%s", files[i]->d_name);
        file = fopen(path, "r");
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        fclose(file);
        assert_string_equal(migrations[i].name, files[i]->d_name);
        assert_int_equal(migrations[i].number, atoi(files[i]->d_name));
        assert_string_equal(migrations[i].sql, text);
        free(files[i]);
    }
    assert_int_equal(migrations[count].number, 0);
    free(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_ends_with_a_semicolon_at_a_lines_end),
        cmocka_unit_test(every_file_is_a_migration_in_the_order_of_the_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
