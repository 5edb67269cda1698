/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the table `audit`. Called by whatever the keeper changes, inside its transaction: a
 * change without its row, or a row without its change, cannot be. */
#include "keeper/audit.h"

#include "database/values.h"
#include "keeper/sql.h"

enum {
    WHO_MOST = 100,
    ADDRESS_MOST = 64,
    WHAT_MOST = 32,
    OBJECT_MOST = 200,
    VALUE_MOST = 4000, /* characters of a value: what it was like, not all of it */
};

bool audit_put(struct database *database, uint64_t utc_ms, const struct actor_name *by,
               const struct audit_note *note)
{
    struct bytes sql = {0};
    bool is_done;

    bytes_text(&sql, "INSERT INTO audit (at, who, address, what, object, before_value, "
                     "after_value) VALUES (");
    put_time(&sql, utc_ms);
    sql_text(database, &sql, by->who, WHO_MOST);
    sql_text(database, &sql, by->address, ADDRESS_MOST);
    sql_text(database, &sql, note->what, WHAT_MOST);
    sql_text(database, &sql, note->object, OBJECT_MOST);
    sql_text_or_null(database, &sql, note->before, VALUE_MOST);
    sql_text_or_null(database, &sql, note->after, VALUE_MOST);
    bytes_text(&sql, ")");
    is_done = database_run(database, bytes_view(&sql));
    bytes_clear(&sql);
    return is_done;
}
