/* SPDX-License-Identifier: Apache-2.0 */
/* What an error means: only what is certainly about a row may set the row aside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "database/database.h"

static const struct {
    const char *what;
    unsigned code;
    const char *state;
    enum trouble want;
} errors[] = {
    {"no error", 0, "00000", TROUBLE_NONE},
    {"server has gone away", 2006, "HY000", TROUBLE_AWAY},
    {"lost connection", 2013, "HY000", TROUBLE_AWAY},
    {"cannot connect", 2002, "HY000", TROUBLE_AWAY},
    {"too many connections", 1040, "08004", TROUBLE_AWAY},
    {"shutdown", 1053, "08S01", TROUBLE_AWAY},
    {"access denied", 1045, "28000", TROUBLE_AWAY},
    {"no such database", 1049, "42000", TROUBLE_AWAY},
    {"no such table", 1146, "42S02", TROUBLE_AWAY},
    {"no such column", 1054, "42S22", TROUBLE_AWAY},
    {"table is full", 1114, "HY000", TROUBLE_AWAY},
    {"disk full", 1021, "HY000", TROUBLE_AWAY},
    {"read only", 1290, "HY000", TROUBLE_AWAY},
    {"syntax error", 1064, "42000", TROUBLE_AWAY},
    {"deadlock", 1213, "40001", TROUBLE_AGAIN},
    {"lock wait timeout", 1205, "HY000", TROUBLE_AGAIN},
    {"record has changed", 1020, "HY000", TROUBLE_AGAIN},
    {"duplicate key", 1062, "23000", TROUBLE_DATA},
    {"out of range", 1264, "22003", TROUBLE_DATA},
    {"too long", 1406, "22001", TROUBLE_DATA},
    {"incorrect string", 1366, "HY000", TROUBLE_DATA},
    {"truncated", 1265, "01000", TROUBLE_DATA},
    {"no default", 1364, "HY000", TROUBLE_DATA},
    {"no partition", 1526, "HY000", TROUBLE_DATA},
    {"check constraint, MariaDB", 4025, "23000", TROUBLE_DATA},
    {"a trigger's signal", 1644, "45000", TROUBLE_DATA},
    {"packet too large", 1153, "08S01", TROUBLE_DATA},
};

static void errors_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        enum trouble got = database_judge(errors[i].code, errors[i].state);
        if (got != errors[i].want)
            fail_msg("%s: %d, wanted %d", errors[i].what, got, errors[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
