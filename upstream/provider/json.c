/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON. What must stay true: a member that is absent or of the wrong type reads as empty.
 */
#include "provider/json.h"

struct view json_text(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);

    if (!yyjson_is_str(value))
        return (struct view){0};
    return (struct view){yyjson_get_str(value), yyjson_get_len(value)};
}

uint64_t json_number(yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(object, name);
    uint64_t number = 0;

    if (yyjson_is_uint(value))
        return yyjson_get_uint(value);
    if (!yyjson_is_str(value))
        return 0;
    for (const char *at = yyjson_get_str(value); *at >= '0' && *at <= '9'; at++)
        number = number < UINT64_MAX / 16 ? number * 10 + (uint64_t)(*at - '0') : number;
    return number;
}
