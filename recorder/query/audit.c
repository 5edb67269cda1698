/* SPDX-License-Identifier: Apache-2.0 */
/* Who changed what. Called by query.c through its table. What must stay true: what an administrator
 * gave stands in the SQL as a number or in hex, never as it came. */
#include "query/attempts.h"

/* Newer rows have higher ids: the primary key gives the order, not the text `id` that is shown. */
void question_audit(const struct question_values *values, struct study *study)
{
    struct bytes *sql = study_select(study);
    const struct value *before = &values->by.audit.before, *limit = &values->by.audit.limit;
    const struct value *kind = &values->by.audit.kind, *q = &values->by.audit.q;

    bytes_text(sql, "SELECT CAST(id AS CHAR) AS id, "
                    "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', at) DIV 1000 AS at, who, "
                    "address AS `from`, what, object AS `on`, before_value AS `before`, "
                    "after_value AS `after` FROM audit WHERE id < ");
    bytes_printf(sql, "%llu",
                 before->is_given ? (unsigned long long)before->number : 18446744073709551615ull);
    if (kind->is_given && kind->text.len) {
        bytes_text(sql, " AND what = ");
        put_hex(sql, kind->text);
    }
    if (q->is_given && q->text.len) {
        bytes_text(sql, " AND LOCATE(");
        put_hex(sql, q->text);
        bytes_text(sql, ", CONCAT_WS(' ', object, who, before_value, after_value)) > 0");
    }
    bytes_printf(sql, " ORDER BY audit.id DESC LIMIT %llu",
                 limit->is_given ? (unsigned long long)limit->number : 100ull);
}
