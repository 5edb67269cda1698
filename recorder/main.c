/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder: `recorder` takes records into the spool, `recorder store` moves them into the
 * database, `recorder query` answers questions about them, `recorder keeper` keeps what
 * administrators change. Four processes, so that a database which hangs never keeps a record from
 * being acknowledged, and no question a record from the database. */
#include <stdio.h>
#include <string.h>

#include "intake/intake.h"
#include "keeper/keeper.h"
#include "query/query.h"
#include "writer/run.h"
#include "settings/options.h"

int main(int argc, char **argv)
{
    argc = options_read(argc, argv);
    if (argc == 1)
        return intake_run();
    if (argc == 2 && strcmp(argv[1], "store") == 0)
        return writer_run();
    if (argc == 2 && strcmp(argv[1], "query") == 0)
        return query_run();
    if (argc == 2 && strcmp(argv[1], "keeper") == 0)
        return keeper_run();
    fprintf(stderr, "usage: recorder [store|query|keeper] [--SETTING=VALUE …]\n");
    return 2;
}
