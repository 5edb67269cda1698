/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ITEMS = 500 };

static void what_is_first_comes_first_whatever_moved_or_left_before(void **state)
{
    static struct heap_item items[ITEMS];
    struct heap heap = {0};
    uint64_t last = 0;
    size_t left = 0;

    (void)state;
    srandom(1);
    for (size_t i = 0; i < ITEMS; i++)
        heap_put(&heap, &items[i], (uint64_t)random() % 1000);
    for (size_t i = 0; i < ITEMS; i += 3)
        heap_put(&heap, &items[i], (uint64_t)random() % 1000);
    for (size_t i = 0; i < ITEMS; i += 5)
        heap_drop(&heap, &items[i]);
    heap_drop(&heap, &items[0]); /* twice is nothing */
    while (heap_first(&heap)) {
        struct heap_item *item = heap_first(&heap);

        assert_true(item->at >= last);
        assert_int_not_equal((item - items) % 5, 0);
        last = item->at;
        heap_drop(&heap, item);
        left++;
    }
    assert_int_equal(left, ITEMS - ITEMS / 5);
    heap_clear(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_first_comes_first_whatever_moved_or_left_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
