/* SPDX-License-Identifier: Apache-2.0 */
/* Error bodies and answers of a provider: classified, looked at, and put through the gate in two
 * ways that must agree. */
// clang-format off
/* needs: upstream */
// clang-format on
#include <stdint.h>
#include <stdlib.h>

#include "jobs/gate.h"
#include "provider/gemini_error.h"
#include "provider/mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void on_out(void *owner, struct view bytes, bool is_end)
{
    (void)is_end;
    bytes_append(owner, bytes);
}

static enum fault pass(struct view text, uint8_t how, size_t step, struct bytes *out)
{
    static const struct view types[] = {{"text/event-stream", 17}, {"application/json", 16}};
    struct gate gate = {.provider = &provider_gemini,
                        .kind = how & 1 ? GATE_GENERATED : GATE_JSON,
                        .is_stream = how & 2,
                        .thoughts = how & 4,
                        .out = on_out,
                        .owner = out};
    bool goes_on = true;
    enum fault fault;

    gate_head(&gate, how & 8 ? 200 : 429, types[how >> 4 & 1]);
    for (size_t at = 0; at < text.len && goes_on; at += step) {
        struct bytes part = {0}; /* of its own, so that a look beyond is seen */

        bytes_append(&part,
                     (struct view){text.at + at, step < text.len - at ? step : text.len - at});
        goes_on = gate_feed(&gate, bytes_view(&part), 1 << 20);
        bytes_clear(&part);
    }
    fault = gate_end(&gate, goes_on && !(how & 32), 1768460400000);
    if (fault >= FAULT_COUNT || (fault == FAULT_NONE && !gate.is_open) ||
        (!gate.is_open && out->len))
        abort();
    gate_clear(&gate);
    return fault;
}

/* What has left must be a beginning of what came, the line ends apart that a last event gets. */
static void check_prefix(struct view text, struct view out)
{
    size_t len = out.len < text.len ? out.len : text.len;

    if (len && memcmp(text.at, out.at, len) != 0)
        abort();
    if (out.len > text.len + 2)
        abort();
}

static void check_mask(struct view text)
{
    struct secret key = {{"0", 1}};
    struct bytes out = {0};

    mask_keys(&out, text, key);
    if (out.len && memchr(out.at, '0', out.len))
        abort();
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes whole = {0}, cut = {0};
    struct verdict verdict = {0};
    enum fault one, two;
    struct view text;

    if (len < 3)
        return 0;
    text = (struct view){(const char *)data + 2, len - 2};
    gemini_read_error(400u + data[0] % 130u, text, 1768460400000, &verdict);
    if (verdict.fault == FAULT_NONE || verdict.fault >= FAULT_COUNT)
        abort();
    one = pass(text, data[0], len, &whole);
    two = pass(text, data[0], 1 + data[1] % 40, &cut);
    check_prefix(text, bytes_view(&whole));
    check_prefix(text, bytes_view(&cut));
    if (one != two || whole.len != cut.len)
        abort();
    check_mask(text);
    bytes_clear(&whole);
    bytes_clear(&cut);
    return 0;
}
