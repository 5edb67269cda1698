/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: what they take over, what they hold, and where they end. */
#include "cases.h"

#include "endpoint/plan.h"

static struct body *body_of(const char *text)
{
    struct bytes copy = {0};

    bytes_text(&copy, text);
    return body_new(&copy);
}

static struct step step_of(struct body *body, const char *model)
{
    struct step step = {.order = {.pool = "gemini", .operation = "x", .body = body},
                        .pass = STEP_EVENTS,
                        .place = 3};

    bytes_text(&step.model, model);
    bytes_text(&step.path, "/path");
    return step;
}

static void expect_view(struct view got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.at, want, got.len);
}

static void a_plan_takes_texts_over_and_holds_bodies(void **state)
{
    struct plan plan = {.limit = 2};
    struct body *body = body_of("{}");
    struct step step = step_of(body, "m");

    (void)state;
    assert_int_equal(plan_add(&plan, &step), 0);
    assert_int_equal(step.model.len + step.path.len, 0);
    body_let_go(body);
    expect_view(plan.steps[0]->order.model, "m");
    expect_view(plan.steps[0]->order.path, "/path");
    expect_view(body_view(plan.steps[0]->order.body), "{}");
    plan_clear(&plan);
    assert_int_equal(plan.count, 0);
    assert_null(plan.steps);
}

static void a_full_plan_takes_nothing(void **state)
{
    struct plan plan = {.limit = 1};
    struct step step = step_of(NULL, "m"), more = step_of(NULL, "n");
    struct bytes body = {0};

    (void)state;
    assert_int_equal(plan_add(&plan, &step), 0);
    assert_int_equal(plan_add(&plan, &more), SIZE_MAX);
    expect_view(bytes_view(&more.model), "n");
    bytes_text(&body, "{}");
    assert_int_equal(plan_again(&plan, 0, &body), SIZE_MAX);
    assert_int_equal(plan.count, 1);
    bytes_clear(&body);
    bytes_clear(&more.model);
    bytes_clear(&more.path);
    plan_clear(&plan);
}

static void a_plan_without_steps_is_cleared_as_well(void **state)
{
    struct plan plan = {.limit = 1};

    (void)state;
    bytes_text(&plan.why, "no");
    plan_clear(&plan);
    assert_null(plan.why.at);
}

static void a_step_made_again_is_like_the_first_but_for_its_body(void **state)
{
    struct plan plan = {.limit = 3};
    struct body *body = body_of("old");
    struct step step = step_of(body, "m");
    struct bytes fresh = {0};

    (void)state;
    plan_add(&plan, &step);
    body_let_go(body);
    bytes_text(&fresh, "new");
    assert_int_equal(plan_again(&plan, 0, &fresh), 1);
    assert_null(fresh.at);
    assert_int_equal(plan.steps[1]->place, 3);
    assert_int_equal(plan.steps[1]->pass, STEP_EVENTS);
    assert_int_equal(plan.steps[1]->tries, 1);
    assert_int_equal(plan.steps[0]->tries, 0);
    plan_forget_body(&plan, 0);
    assert_null(plan.steps[0]->order.body);
    plan_forget_body(&plan, 0);
    expect_view(plan.steps[1]->order.model, "m");
    expect_view(plan.steps[1]->order.path, "/path");
    expect_view(body_view(plan.steps[1]->order.body), "new");
    plan_clear(&plan);
}

/* A call borrows the order of its step. */
static void steps_stay_where_they_are(void **state)
{
    struct plan plan = {.limit = 50};
    const struct order *first;

    (void)state;
    for (size_t i = 0; i < 50; i++) {
        struct step step = step_of(NULL, "m");

        assert_int_equal(plan_add(&plan, &step), i);
        if (i == 0)
            first = &plan.steps[0]->order;
    }
    assert_ptr_equal(first, &plan.steps[0]->order);
    expect_view(first->model, "m");
    plan_clear(&plan);
}

static void a_body_goes_when_the_last_lets_go(void **state)
{
    struct plan plan = {.limit = 2};
    struct body *body = body_of("shared");

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct step step = step_of(body, "m");

        plan_add(&plan, &step);
    }
    body_let_go(body);
    plan_forget_body(&plan, 0);
    expect_view(body_view(plan.steps[1]->order.body), "shared");
    body = body_hold(plan.steps[1]->order.body);
    plan_clear(&plan);
    expect_view(body_view(body), "shared");
    body_let_go(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_takes_texts_over_and_holds_bodies),
        cmocka_unit_test(a_full_plan_takes_nothing),
        cmocka_unit_test(a_plan_without_steps_is_cleared_as_well),
        cmocka_unit_test(a_step_made_again_is_like_the_first_but_for_its_body),
        cmocka_unit_test(steps_stay_where_they_are),
        cmocka_unit_test(a_body_goes_when_the_last_lets_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
