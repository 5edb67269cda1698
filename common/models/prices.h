/* SPDX-License-Identifier: Apache-2.0 */
/* What models cost: the public list, and what MODEL_PRICES says over it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Millionths of a US dollar for a million tokens, which is 10^-12 dollars for one. */
struct price {
    uint64_t in, out, cached, thoughts;
    uint64_t long_in, long_out,
        long_cached; /* of prompts of more than PRICE_LONG tokens; 0: the same */
};

enum { PRICE_LONG = 200000 };

struct price_tokens {
    uint64_t in; /* cached ones among them */
    uint64_t out, thoughts, cached;
};

/* False: nobody says what it costs. */
bool price_of(struct view model, struct price *price);

/* In billionths of a thousandth of a US dollar (10^-12). */
uint64_t price_cost(const struct price *price, const struct price_tokens *tokens);

/* The day of the list. */
const char *price_day(void);

/* What is wrong with a text for MODEL_PRICES; false: nothing. */
bool prices_are_wrong(struct view text, struct bytes *why);
