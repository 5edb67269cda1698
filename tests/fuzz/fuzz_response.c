/* SPDX-License-Identifier: Apache-2.0 */
/* Answers over HTTP/1.1 from a provider: whole, and cut as the first bytes say, they must tell the
 * same, and each slice must be of the bytes that were given. */
/* needs: upstream */
#include <stdint.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "transfer/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct told {
    struct bytes seen;
    size_t used;
    enum response_sign last;
};

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void tell(struct told *told, const struct response *response, struct view part,
                 struct view slice)
{
    if (told->last == RESPONSE_HEAD) {
        check(response->status >= 200 && response->status < 1000);
        check(response_type(response).len <= RESPONSE_TYPE_MOST);
        bytes_printf(&told->seen, "%u %llu ", response->status,
                     (unsigned long long)response->length);
        bytes_append(&told->seen, response_type(response));
        bytes_text(&told->seen, "\n");
        return;
    }
    check(slice.len && slice.len <= RESPONSE_SLICE);
    check(slice.at >= part.at && slice.at + slice.len <= part.at + part.len);
    bytes_append(&told->seen, slice);
}

/* In memory of its own. False: it was the last. */
static bool feed(struct told *told, struct response *response, struct view given)
{
    char *copy = malloc(given.len);
    struct view part = {copy, given.len}, text = part, slice = {0};

    memcpy(copy, given.at, given.len);
    while ((told->last = response_read(response, &text, &slice)) == RESPONSE_HEAD ||
           told->last == RESPONSE_BYTES)
        tell(told, response, part, slice);
    told->used += given.len - text.len;
    free(copy);
    return told->last == RESPONSE_MORE;
}

static struct told read_cut(struct view text, const uint8_t *cuts, size_t count)
{
    struct response response;
    struct told told = {0};
    bool goes_on = true;

    response_init(&response);
    for (size_t i = 0; goes_on && text.len; i++) {
        size_t len = count ? 1U + cuts[i % count] % 32 : text.len;
        struct view part = {text.at, len < text.len ? len : text.len};

        goes_on = feed(&told, &response, part);
        text = view_skip(text, part.len);
    }
    if (goes_on)
        told.last = response_close(&response);
    check(told.last == RESPONSE_END || (told.last == RESPONSE_WRONG && response.why));
    if (told.last == RESPONSE_END)
        bytes_printf(&told.seen, "\n%d", response.may_be_kept);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct told whole, cut;
    struct view text;

    if (len < 4)
        return 0;
    text = (struct view){(const char *)data + 4, len - 4};
    whole = read_cut(text, NULL, 0);
    cut = read_cut(text, data, 4);
    check(whole.last == cut.last);
    check(view_equal(bytes_view(&whole.seen), bytes_view(&cut.seen)));
    check(whole.last != RESPONSE_END || whole.used == cut.used);
    bytes_clear(&whole.seen);
    bytes_clear(&cut.seen);
    return 0;
}
