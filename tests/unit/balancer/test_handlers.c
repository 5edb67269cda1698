/* SPDX-License-Identifier: Apache-2.0 */
/* The balancer without sockets: letters go in by its handlers' tables, what it posts is caught.
 * Time is a variable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "balancer.h"
#include "peers/pairs.h"
#include "settings/options.h"
#include "handlers.h"
#include "probing.h"
#include "pool/report.h"
#include "seeking.h"
#include "settings_mine.h"

enum { F1 = 0x11, F2 = 0x12, U1 = 0x21, U2 = 0x22, POSTED_MOST = 200 };

static struct balancer b;

/* What was posted, in order; taken by `expect`. */
static struct {
    uint64_t to;
    enum message_kind kind;
    struct bytes frame;
} posted[POSTED_MOST];
static size_t posted_count;

/* These three stand in for proto/mailbox.c and proto/actor.c, which then are not linked. */

void mailbox_post(struct mailbox *box, uint64_t to, enum message_kind kind, const void *letter)
{
    (void)box;
    if (kind == MSG_BEAT)
        return;
    assert_true(posted_count < POSTED_MOST);
    posted[posted_count].to = to;
    posted[posted_count].kind = kind;
    posted[posted_count].frame.len = 0;
    message_pack(&posted[posted_count++].frame, kind, letter);
}

void mailbox_post_lazily(struct mailbox *box, uint64_t to, enum message_kind kind,
                         const void *letter)
{
    mailbox_post(box, to, kind, letter);
}

void mailbox_forget(struct mailbox *box, uint64_t to)
{
    (void)box, (void)to;
}

void actor_wake(struct actor *actor, uint64_t at_ms)
{
    if (at_ms < actor->wake_ms)
        actor->wake_ms = at_ms;
}

static int count_posted(uint64_t to, enum message_kind kind)
{
    int count = 0;

    for (size_t i = 0; i < posted_count; i++)
        count += posted[i].to == to && posted[i].kind == kind;
    return count;
}

/* The last letter of that kind to that peer; fails if there is none. */
static union message expect(uint64_t to, enum message_kind kind)
{
    union message letter;
    enum message_kind got;

    for (size_t i = posted_count; i-- > 0;) {
        struct view frame = bytes_view(&posted[i].frame);
        if (posted[i].to != to || posted[i].kind != kind)
            continue;
        assert_null(message_unpack(&frame, &got, &letter));
        return letter;
    }
    fail_msg("no %s for %llx", messages[kind].name, (unsigned long long)to);
    abort();
}

static void forget_posted(void)
{
    posted_count = 0;
}

/* Runs a handler as the mailbox would, then what the end of a round does. */
static void hear(letter_handler *const *table, struct mailbox *box, uint64_t from,
                 enum message_kind kind, const void *letter, size_t size)
{
    union message copy = {0};

    memcpy(&copy, letter, size);
    assert_non_null(table[kind]);
    table[kind](&b, &(struct letter){kind, &copy, from, box});
    balancer_round(&b);
}

#define FRONT(from, KIND, name, ...)                                                               \
    hear(route_front, &b.front, from, MSG_##KIND, &(struct msg_##name){__VA_ARGS__},               \
         sizeof(struct msg_##name))
#define UP(from, KIND, name, ...)                                                                  \
    hear(route_upstream, &b.upstream, from, MSG_##KIND, &(struct msg_##name){__VA_ARGS__},         \
         sizeof(struct msg_##name))

static void pass(uint64_t ms)
{
    b.actor.now_ms += ms;
    b.calls.may_place = true;
    balancer_round(&b);
    balancer_tell_known(&b, true);
}

/* Beats of those that live, second by second, and the tick. */
static void live(uint64_t seconds, uint64_t but)
{
    static const uint64_t fronts[] = {F1, F2}, ups[] = {U1, U2};

    for (; seconds > 0; seconds--) {
        for (int i = 0; i < 2; i++) {
            if (fronts[i] != but && peer_find(&b.peers, fronts[i], ROLE_FRONTEND))
                FRONT(fronts[i], BEAT, beat, .calls = 1);
            if (ups[i] != but && peer_find(&b.peers, ups[i], ROLE_UPSTREAM))
                UP(ups[i], BEAT, beat, .calls = 1);
        }
        pass(1000);
        balancer_beat(&b, b.actor.now_ms);
    }
}

static void hello_front(uint64_t id)
{
    FRONT(id, HELLO, hello, .role = VIEW("frontend"), .incarnation = id,
          .version = PROTOCOL_VERSION);
}

static void hello_up(uint64_t id, uint64_t slots)
{
    UP(id, HELLO, hello, .role = VIEW("upstream"), .incarnation = id, .version = PROTOCOL_VERSION,
       .address = VIEW("ipc:///u"), .slots = slots);
}

static void see(uint64_t frontend, uint64_t upstream)
{
    FRONT(frontend, SEES, sees, .peer = upstream);
    UP(upstream, SEES, sees, .peer = frontend);
}

static void offer(uint64_t frontend, uint64_t call, uint64_t number, uint64_t attempts,
                  uint64_t left)
{
    FRONT(frontend, CALL, call, .balancer = b.actor.incarnation, .call = call, .offer = number,
          .attempts = attempts, .pool = VIEW("gemini"), .model = VIEW("gemini-x"),
          .operation = VIEW("generateContent"), .path = VIEW("/models/gemini-x:generateContent"),
          .left_ms = left, .body_len = 2, .body = VIEW("{}"));
}

static void outcome(uint64_t upstream, uint64_t seq, uint64_t call, uint64_t number,
                    uint64_t attempt, uint64_t key_id, enum fault fault, uint64_t retry_ms,
                    bool more)
{
    UP(upstream, OUTCOME, outcome, .seq = seq, .frontend = F1, .call = call, .offer = number,
       .attempt = attempt, .key_id = key_id, .model = VIEW("gemini-x"), .fault = fault,
       .retry_ms = retry_ms, .more = more);
}

static void held(uint64_t upstream, uint64_t call, uint64_t number, const char *state)
{
    UP(upstream, HELD, held, .frontend = F1, .call = call, .offer = number, .attempt = 1,
       .key_id = b.pool.keys[0].id, .model = VIEW("gemini-x"), .state = view_of(state),
       .left_ms = 60000);
}

static const struct secret keys[] = {{VIEW("key-a")}, {VIEW("key-b")}};

/* What a key does in another call. */
static void settle(size_t key, enum fault fault, uint64_t stated_ms)
{
    pool_settle(&b.pool, 0,
                &(struct verdict){.key_id = b.pool.keys[key].id,
                                  .model = VIEW("gemini-x"),
                                  .fault = fault,
                                  .stated_ms = stated_ms},
                b.actor.now_ms);
}

static int open_empty(void **state)
{
    (void)state;
    memset(&b, 0, sizeof(b));
    b.actor.incarnation = 0xb1;
    b.actor.now_ms = 100000;
    b.actor.wake_ms = UINT64_MAX;
    settings_mine()->max_retries = 3;
    settings_mine()->queue_limit = 5;
    settings_mine()->queue_bytes = 1 << 20;
    settings_mine()->queue_wait_ms = 30000;
    pool_open(&b.pool, keys, 2);
    pool_open_as(&b.vertex, "vertex", keys, 1);
    balancer_open(&b);
    for (size_t i = 0; i < 2; i++) /* they have served before */
        settle(i, FAULT_FORBIDDEN, 0);
    forget_posted();
    return 0;
}

/* One frontend and two upstreams, which all see each other. */
static int open_road(void **state)
{
    open_empty(state);
    hello_front(F1);
    hello_up(U1, 2);
    hello_up(U2, 2);
    see(F1, U1);
    see(F1, U2);
    FRONT(F1, READY, ready, 0);
    UP(U1, READY, ready, 0);
    UP(U2, READY, ready, 0);
    pass(0);
    b.actor.wake_ms = UINT64_MAX;
    forget_posted();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    calls_close(&b.calls);
    for (size_t i = 0; i < b.pool.count; i++) /* whatever happened, all was given back */
        assert_int_equal(b.pool.keys[i].in_flight, 0);
    balancer_close(&b);
    return 0;
}

/* Registry */

static void a_frontend_learns_of_every_upstream_whoever_comes_first(void **state)
{
    (void)state;
    hello_up(U1, 2);
    hello_front(F1);
    assert_int_equal(expect(F1, MSG_WELCOME).welcome.incarnation, 0xb1);
    assert_int_equal(expect(F1, MSG_PEER).peer.upstream, U1);
    hello_up(U2, 2);
    assert_int_equal(expect(F1, MSG_PEER).peer.upstream, U2);
}

static void a_stranger_is_asked_who_it_is(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 1000);
    expect(F1, MSG_WHO);
    UP(U1, READY, ready, 0);
    expect(U1, MSG_WHO);
}

static void nobody_becomes_an_upstream_at_the_frontends_door(void **state)
{
    (void)state;
    FRONT(U1, HELLO, hello, .role = VIEW("upstream"), .incarnation = U1,
          .version = PROTOCOL_VERSION);
    FRONT(F1, HELLO, hello, .role = VIEW("frontend"), .incarnation = F2,
          .version = PROTOCOL_VERSION);
    FRONT(F1, HELLO, hello, .role = VIEW("frontend"), .incarnation = F1,
          .version = PROTOCOL_VERSION + 1);
    assert_int_equal(posted_count, 0);
    assert_int_equal(HASH_COUNT(b.peers.by_id), 0);
}

static void a_call_for_another_incarnation_is_dropped(void **state)
{
    (void)state;
    b.actor.incarnation++;
    FRONT(F1, CALL, call, .balancer = b.actor.incarnation - 1, .call = 1, .offer = 1,
          .model = VIEW("m"), .left_ms = 1000);
    assert_int_equal(posted_count, 0);
    assert_int_equal(calls_count(&b.calls), 0);
}

/* Placing */

static void calls_go_to_the_least_loaded_upstream_with_keys_in_turn(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 1000);
    offer(F1, 2, 1, 0, 1000);
    offer(F1, 3, 1, 0, 1000);
    offer(F1, 4, 1, 0, 1000);
    assert_int_equal(count_posted(U1, MSG_JOB), 2);
    assert_int_equal(count_posted(U2, MSG_JOB), 2);
    assert_int_equal(expect(U1, MSG_JOB).job.attempt, 1);
    assert_int_equal(expect(U1, MSG_JOB).job.balancer, 0xb1);
    offer(F1, 5, 1, 0, 1000); /* both are full */
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 4);
    outcome(U2, 1, expect(U2, MSG_JOB).job.call, 1, 1, 0, FAULT_NONE, 0, false);
    assert_int_equal(count_posted(U2, MSG_JOB), 3);
    assert_int_equal(expect(U2, MSG_JOB).job.call, 5);
}

static void a_call_travels_only_along_an_open_pair(void **state)
{
    (void)state;
    hello_front(F1);
    hello_up(U1, 2);
    UP(U1, READY, ready, 0);
    offer(F1, 1, 1, 0, 1000);
    FRONT(F1, SEES, sees, .peer = U1);
    assert_int_equal(count_posted(U1, MSG_JOB), 0);
    UP(U1, SEES, sees, .peer = F1);
    assert_int_equal(count_posted(U1, MSG_JOB), 1);
}

static void a_call_heard_twice_is_placed_once(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 1000);
    offer(F1, 1, 1, 0, 1000);
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 1);
}

static void without_an_upstream_calls_wait_for_their_deadline(void **state)
{
    (void)state;
    hello_front(F1);
    offer(F1, 1, 1, 0, 1000);
    pass(999);
    assert_int_equal(count_posted(F1, MSG_REFUSED), 0);
    pass(1);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_NOT_READY);
    assert_int_equal(calls_count(&b.calls), 0);
}

static void a_full_queue_refuses(void **state)
{
    (void)state;
    hello_front(F1);
    for (uint64_t call = 1; call <= 6; call++)
        offer(F1, call, 1, 0, 1000);
    assert_int_equal(count_posted(F1, MSG_REFUSED), 1);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.call, 6);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_QUEUE_FULL);
    settings_mine()->queue_limit = 100;
    settings_mine()->queue_bytes = b.calls.waiting_bytes + 1;
    offer(F1, 7, 1, 0, 1000);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.call, 7);
}

/* Faults and keys */

static void a_faulty_key_is_replaced_and_rests(void **state)
{
    union message job, rekey;

    (void)state;
    offer(F1, 1, 1, 0, 60000);
    job = expect(U1, MSG_JOB);
    outcome(U1, 1, 1, 1, 1, job.job.key_id, FAULT_QUOTA_MINUTE, 5000, true);
    rekey = expect(U1, MSG_REKEY);
    assert_int_not_equal(rekey.rekey.key_id, job.job.key_id);
    assert_int_equal(rekey.rekey.attempt, 2);
    outcome(U1, 2, 1, 1, 2, rekey.rekey.key_id, FAULT_NONE, 0, false);
    assert_int_equal(calls_count(&b.calls), 0);
    assert_int_equal(peer_find(&b.peers, U1, ROLE_UPSTREAM)->outstanding, 0);
    for (uint64_t call = 2; call < 5; call++) {
        offer(F1, call, 1, 0, 60000);
        assert_int_not_equal(expect(call == 2   ? U1
                                    : call == 3 ? U2
                                                : U1,
                                    MSG_JOB)
                                 .job.key_id,
                             job.job.key_id);
    }
}

static void attempts_end_with_max_retries(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_SERVER, 0, true);
    outcome(U1, 2, 1, 1, 2, 1, FAULT_SERVER, 0, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 1); /* the first at once, now after a pause */
    pass(99);
    assert_int_equal(count_posted(U1, MSG_REKEY), 1);
    pass(51);
    assert_int_equal(count_posted(U1, MSG_REKEY), 2);
    outcome(U1, 3, 1, 1, 3, 1, FAULT_SERVER, 0, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 2);
    assert_int_equal(expect(U1, MSG_STOP).stop.error, ERROR_NONE);
    assert_int_equal(calls_count(&b.calls), 0);
}

static void a_wrong_model_name_is_tried_with_one_more_key_only(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_NO_MODEL, 0, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 1);
    outcome(U1, 2, 1, 1, 2, 1, FAULT_NO_MODEL, 0, true);
    assert_int_equal(count_posted(U1, MSG_STOP), 1);
}

static void a_model_that_is_known_is_tried_with_further_keys(void **state)
{
    (void)state;
    settle(0, FAULT_NONE, 0);
    offer(F1, 1, 1, 0, 60000);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_NO_MODEL, 0, true);
    outcome(U1, 2, 1, 1, 2, 1, FAULT_NO_MODEL, 0, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 2);
}

static void busy(uint64_t times)
{
    while (times--)
        settle(0, FAULT_OVERLOADED, 0);
}

static void calls_wait_while_the_model_rests_or_are_refused(void **state)
{
    (void)state;
    busy(3);
    offer(F1, 1, 1, 0, 5000);
    offer(F1, 2, 1, 0, 999);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.call, 2);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_OVERLOADED);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.retry_after_ms, 1000);
    pass(999);
    assert_int_equal(count_posted(U1, MSG_JOB), 0);
    pass(1);
    assert_int_equal(expect(U1, MSG_JOB).job.call, 1);
}

static void a_last_attempt_at_a_resting_model_says_how_long(void **state)
{
    (void)state;
    offer(F1, 1, 1, 2, 60000);
    busy(2);
    outcome(U1, 1, 1, 1, 3, 1, FAULT_OVERLOADED, 0, true);
    assert_int_equal(expect(U1, MSG_STOP).stop.error, ERROR_OVERLOADED);
    assert_int_equal(expect(U1, MSG_STOP).stop.retry_after_ms, 1000);
}

static void an_overloaded_model_is_given_a_pause(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_OVERLOADED, 0, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 0);
    pass(249);
    assert_int_equal(count_posted(U1, MSG_REKEY), 0);
    pass(126);
    assert_int_equal(count_posted(U1, MSG_REKEY), 1);
}

static void when_all_keys_rest_a_call_waits_if_it_can(void **state)
{
    (void)state;
    settle(0, FAULT_QUOTA_MINUTE, 9000);
    settle(1, FAULT_QUOTA_MINUTE, 7000);
    offer(F1, 1, 1, 0, 8000);
    offer(F1, 2, 1, 0, 6999);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.call, 2);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.retry_after_ms, 7000);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_NO_QUOTA);
    assert_int_equal(count_posted(U1, MSG_JOB), 0);
    assert_int_equal(b.actor.wake_ms, b.actor.now_ms + 7000);
    pass(7000);
    assert_int_equal(expect(U1, MSG_JOB).job.call, 1);
    assert_int_equal(expect(U1, MSG_JOB).job.left_ms, 1000);
    assert_int_equal(expect(U1, MSG_JOB).job.key_id, b.pool.keys[1].id);
}

static void a_call_whose_keys_all_rest_meanwhile_is_stopped_with_the_time(void **state)
{
    uint64_t first;

    (void)state;
    offer(F1, 1, 1, 0, 5000);
    first = expect(U1, MSG_JOB).job.key_id;
    settle(first == b.pool.keys[0].id, FAULT_QUOTA_DAY, 90000);
    outcome(U1, 1, 1, 1, 1, first, FAULT_QUOTA_MINUTE, 34000, true);
    assert_int_equal(expect(U1, MSG_STOP).stop.error, ERROR_NO_QUOTA);
    assert_int_equal(expect(U1, MSG_STOP).stop.retry_after_ms, 34000);
}

static void an_outcome_told_twice_counts_once(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_SERVER, 0, true);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_SERVER, 0, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 1);
}

/* Waiting for a key */

static void a_wait_known_to_be_longer_than_the_setting_is_refused_at_once(void **state)
{
    (void)state;
    settle(0, FAULT_QUOTA_MINUTE, 34000);
    settle(1, FAULT_QUOTA_MINUTE, 33000);
    offer(F1, 1, 1, 0, 300000);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_NO_QUOTA);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.retry_after_ms, 33000);
    assert_int_equal(b.calls.queue.count, 0);
    pass(33000);
    offer(F1, 2, 1, 0, 300000); /* it comes when it was told to */
    assert_int_equal(expect(U1, MSG_JOB).job.call, 2);
}

static void a_wait_that_grows_beyond_it_is_ended_at_once(void **state)
{
    (void)state;
    settle(0, FAULT_QUOTA_MINUTE, 20000);
    settle(1, FAULT_QUOTA_MINUTE, 20000);
    offer(F1, 1, 1, 0, 300000);
    pass(10000);
    assert_int_equal(count_posted(F1, MSG_REFUSED), 0);
    settle(0, FAULT_QUOTA_MINUTE, 40000);
    settle(1, FAULT_QUOTA_MINUTE, 50000);
    pass(1);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.retry_after_ms, 39999);
}

/* A key that comes back is asked once; while nothing is heard of that, the others wait. */
static void those_that_come_back_together_do_not_fall_on_one_key(void **state)
{
    (void)state;
    settle(0, FAULT_KEY_INVALID, 0);
    settle(1, FAULT_QUOTA_MINUTE, 5000);
    for (uint64_t call = 1; call <= 3; call++)
        offer(F1, call, 1, 0, 60000);
    pass(5000);
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 1);
    assert_int_equal(expect(U1, MSG_JOB).job.call, 1);
    outcome(U1, 1, 1, 1, 1, b.pool.keys[1].id, FAULT_NONE, 0, false);
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 3);
}

static void what_has_no_known_end_is_refused_with_its_reason_and_no_time(void **state)
{
    struct msg_refused refused;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        pool_settle(&b.pool, 0,
                    &(struct verdict){.key_id = b.pool.keys[i].id,
                                      .model = VIEW("gemini-x"),
                                      .fault = FAULT_KEY_INVALID,
                                      .words = VIEW("API key expired.")},
                    b.actor.now_ms);
    offer(F1, 1, 1, 0, 60000);
    refused = expect(F1, MSG_REFUSED).refused;
    assert_int_equal(refused.error, ERROR_KEYS_REFUSED);
    assert_int_equal(refused.retry_after_ms, 0);
    assert_true(view_equal(refused.words, VIEW("API key expired.")));
}

static void faults_that_reach_no_model_do_not_use_up_max_retries(void **state)
{
    (void)state;
    settings_mine()->max_retries = 2;
    offer(F1, 1, 1, 0, 60000);
    outcome(U1, 1, 1, 1, 1, b.pool.keys[0].id, FAULT_QUOTA_MINUTE, 2000, true);
    assert_int_equal(expect(U1, MSG_REKEY).rekey.key_id, b.pool.keys[1].id);
    outcome(U1, 2, 1, 1, 2, b.pool.keys[1].id, FAULT_QUOTA_MINUTE, 3000, true);
    pass(2000);
    assert_int_equal(expect(U1, MSG_REKEY).rekey.key_id, b.pool.keys[0].id);
    assert_int_equal(expect(U1, MSG_REKEY).rekey.attempt, 3);
    outcome(U1, 3, 1, 1, 3, b.pool.keys[0].id, FAULT_SERVER, 0, true);
    pass(1000);
    assert_int_equal(expect(U1, MSG_REKEY).rekey.attempt, 4);
    outcome(U1, 4, 1, 1, 4, b.pool.keys[1].id, FAULT_SERVER, 0, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 3);
    assert_int_equal(count_posted(U1, MSG_STOP), 1);
}

static void pauses_double(void **state)
{
    static const uint64_t pauses[] = {100, 200, 400, 800, 1600, 3200, 4000, 4000};
    uint64_t attempt = 2;

    (void)state;
    settings_mine()->max_retries = 20;
    offer(F1, 1, 1, 0, 600000);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_SERVER, 0, true);
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++, attempt++) {
        outcome(U1, attempt, 1, 1, attempt, 1, FAULT_SERVER, 0, true);
        pass(pauses[i] - 1);
        assert_int_equal(count_posted(U1, MSG_REKEY), attempt - 1);
        pass(1 + pauses[i] / 2);
        assert_int_equal(count_posted(U1, MSG_REKEY), attempt);
    }
}

static void offer_for(uint64_t call, uint64_t owner)
{
    FRONT(F1, CALL, call, .balancer = b.actor.incarnation, .call = call, .offer = 1,
          .pool = VIEW("gemini"), .model = VIEW("gemini-x"), .method = VIEW("DELETE"),
          .type = VIEW("text/plain"), .headers = VIEW("etag"), .left_ms = 60000, .owner = owner);
}

static void a_call_for_an_owner_gets_that_key_or_waits_for_it(void **state)
{
    uint64_t owner = b.pool.keys[1].id;
    struct msg_job job;

    (void)state;
    for (uint64_t call = 1; call <= 2; call++) {
        offer_for(call, owner);
        job = expect(call == 1 ? U1 : U2, MSG_JOB).job;
        assert_int_equal(job.key_id, owner);
        assert_true(view_equal(job.method, VIEW("DELETE")));
        assert_true(view_equal(job.type, VIEW("text/plain")));
        assert_true(view_equal(job.headers, VIEW("etag")));
    }
    outcome(U1, 1, 1, 1, 1, owner, FAULT_QUOTA_MINUTE, 3000, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 0);
    offer(F1, 3, 1, 0, 60000); /* who needs no owner does not wait behind it */
    assert_int_equal(expect(U1, MSG_JOB).job.key_id, b.pool.keys[0].id);
    pass(3000);
    assert_int_equal(expect(U1, MSG_REKEY).rekey.key_id, owner);
}

static void who_comes_in_the_round_that_frees_a_slot_stands_behind_those_that_wait(void **state)
{
    struct msg_outcome over = {.seq = 1, .frontend = F1, .call = 1, .offer = 1, .attempt = 1};
    struct msg_call late = {.balancer = b.actor.incarnation,
                            .call = 6,
                            .offer = 1,
                            .pool = VIEW("gemini"),
                            .model = VIEW("gemini-x"),
                            .left_ms = 60000};
    union message letter = {.outcome = over};

    (void)state;
    for (uint64_t call = 1; call <= 5; call++)
        offer(F1, call, 1, 0, 60000);
    route_upstream[MSG_OUTCOME](&b, &(struct letter){MSG_OUTCOME, &letter, U1, &b.upstream});
    letter.call = late;
    route_front[MSG_CALL](&b, &(struct letter){MSG_CALL, &letter, F1, &b.front});
    balancer_round(&b);
    assert_int_equal(expect(U1, MSG_JOB).job.call, 5);
}

static void frontends_hear_how_many_keys_can_serve_and_until_when_not(void **state)
{
    struct msg_status status = {0};

    (void)state;
    hello_front(F2);
    status = expect(F2, MSG_STATUS).status;
    assert_int_equal(status.keys, 2);
    assert_int_equal(status.available, 2);
    assert_int_equal(status.error, ERROR_NONE);
    balancer_beat(&b, b.actor.now_ms);
    forget_posted();
    balancer_beat(&b, b.actor.now_ms);
    assert_int_equal(count_posted(F2, MSG_STATUS), 0); /* nothing new */
    settle(0, FAULT_KEY_INVALID, 0);
    settle(1, FAULT_QUOTA_MINUTE, 7000);
    balancer_beat(&b, b.actor.now_ms);
    status = expect(F2, MSG_STATUS).status;
    assert_int_equal(status.available, 0);
    assert_int_equal(status.retry_after_ms, 7000);
    assert_int_equal(status.error, ERROR_NO_QUOTA);
    forget_posted();
    b.actor.now_ms += 1000;
    balancer_beat(&b, b.actor.now_ms);
    assert_int_equal(count_posted(F2, MSG_STATUS), 0); /* the same end, nearer */
    settle(1, FAULT_QUOTA_MINUTE, 9000);
    balancer_beat(&b, b.actor.now_ms);
    assert_int_equal(expect(F2, MSG_STATUS).status.retry_after_ms, 9000);
}

/* Pairs that break */

static void calls_of_a_lost_upstream_are_given_back(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    assert_int_equal(count_posted(U1, MSG_JOB), 1);
    FRONT(F1, LOST, lost, .upstream = U1);
    assert_int_equal(expect(F1, MSG_RETRY).retry.call, 1);
    assert_int_equal(expect(F1, MSG_RETRY).retry.attempts, 1);
    assert_null(peer_find(&b.peers, U1, ROLE_UPSTREAM));
    offer(F1, 1, 2, 1, 60000);
    assert_int_equal(expect(U2, MSG_JOB).job.offer, 2);
    assert_int_equal(expect(U2, MSG_JOB).job.attempt, 2);
}

static void another_frontends_calls_stay_where_they_are(void **state)
{
    (void)state;
    hello_front(F2);
    see(F2, U1);
    FRONT(F2, READY, ready, 0);
    offer(F2, 7, 1, 0, 60000);
    offer(F1, 1, 1, 0, 60000);
    FRONT(F1, LOST, lost, .upstream = U1);
    assert_int_equal(count_posted(F2, MSG_RETRY), 0);
    assert_non_null(peer_find(&b.peers, U1, ROLE_UPSTREAM));
}

static void a_silent_upstream_gets_nothing_and_gives_back_until_it_is_heard(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    live(5, U1);
    assert_int_equal(expect(F1, MSG_RETRY).retry.call, 1);
    offer(F1, 1, 2, 1, 60000);
    offer(F1, 2, 1, 0, 60000);
    assert_int_equal(count_posted(U2, MSG_JOB), 2);
    held(U1, 1, 1, "running"); /* it wakes, and still thinks that call 1 is its own */
    assert_int_equal(expect(U1, MSG_CANCEL).cancel.offer, 1);
    offer(F1, 3, 1, 0, 60000);
    assert_int_equal(expect(U1, MSG_JOB).job.call, 3);
}

/* What the peers said meanwhile may still be on its way. */
static void silence_does_not_count_while_the_balancer_is_stopped(void **state)
{
    (void)state;
    hello_front(F2);
    FRONT(F2, SEES, sees, .peer = 0x99); /* an upstream that has not come yet */
    FRONT(F2, READY, ready, 0);
    offer(F1, 1, 1, 0, 60000);
    balancer_beat(&b, b.actor.now_ms);
    b.actor.now_ms += 9000;
    balancer_beat(&b, b.actor.now_ms);
    pass(0);
    assert_int_equal(count_posted(F1, MSG_RETRY), 0);
    assert_int_equal(count_posted(F2, MSG_KNOWN_END), 0);
    pass(2000);
    assert_int_equal(count_posted(F2, MSG_KNOWN_END), 1);
}

static void a_dead_frontends_calls_are_dropped(void **state)
{
    (void)state;
    settle(0, FAULT_QUOTA_MINUTE, 25000);
    settle(1, FAULT_QUOTA_MINUTE, 25000);
    offer(F1, 1, 1, 0, 100000);
    assert_int_equal(calls_count(&b.calls), 1);
    live(6, F1);
    assert_int_equal(calls_count(&b.calls),
                     1); /* silent, but both upstreams still see it: it may be stopped */
    UP(U1, UNSEES, unsees, .peer = F1);
    UP(U2, UNSEES, unsees, .peer = F1);
    FRONT(F1, UNSEES, unsees, .peer = U1);
    FRONT(F1, UNSEES, unsees, .peer = U2);
    live(6, F1);
    assert_null(peer_find(&b.peers, F1, ROLE_FRONTEND));
    assert_int_equal(calls_count(&b.calls), 0);
}

static void a_cancelled_call_is_dropped_or_cancelled_where_it_runs(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    FRONT(F1, CANCEL, cancel, .frontend = F1, .call = 1, .offer = 1);
    assert_int_equal(expect(U1, MSG_CANCEL).cancel.call, 1);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_CLIENT_GONE, 0, false);
    assert_int_equal(calls_count(&b.calls), 0);
    hello_front(F2); /* sees nobody: its call waits */
    offer(F2, 1, 1, 0, 60000);
    FRONT(F2, CANCEL, cancel, .frontend = F2, .call = 1, .offer = 1);
    assert_int_equal(calls_count(&b.calls), 0);
}

/* After a restart */

static void known_waits_for_every_upstream_that_the_frontend_sees(void **state)
{
    (void)state;
    hello_front(F1);
    FRONT(F1, SEES, sees, .peer = U1);
    FRONT(F1, SEES, sees, .peer = U2);
    FRONT(F1, READY, ready, 0);
    hello_up(U1, 2);
    held(U1, 1, 1, "running");
    UP(U1, READY, ready, 0);
    assert_int_equal(count_posted(F1, MSG_KNOWN_END), 0);
    hello_up(U2, 2);
    held(U2, 2, 1, "open");
    UP(U2, READY, ready, 0);
    assert_int_equal(count_posted(F1, MSG_KNOWN), 2);
    assert_int_equal(count_posted(F1, MSG_KNOWN_END), 1);
}

static void a_call_that_ended_before_known_is_named_all_the_same(void **state)
{
    (void)state;
    hello_up(U1, 2);
    held(U1, 1, 1, "running");
    UP(U1, READY, ready, 0);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_NONE, 0, false); /* its END may still be on its way */
    hello_front(F1);
    FRONT(F1, SEES, sees, .peer = U1);
    FRONT(F1, READY, ready, 0);
    assert_int_equal(expect(F1, MSG_KNOWN).known.call, 1);
    assert_int_equal(count_posted(F1, MSG_KNOWN_END), 1);
    assert_int_equal(calls_count(&b.calls), 0); /* then it may be forgotten */
}

static void an_upstream_that_reports_too_late_is_given_up(void **state)
{
    (void)state;
    hello_front(F1);
    FRONT(F1, SEES, sees, .peer = U1);
    FRONT(F1, READY, ready, 0);
    pass(1999);
    assert_int_equal(count_posted(F1, MSG_KNOWN_END), 0);
    pass(1);
    assert_int_equal(expect(F1, MSG_GONE).gone.upstream, U1);
    assert_int_equal(count_posted(F1, MSG_KNOWN_END), 1);
}

static void a_lost_upstream_is_not_waited_for(void **state)
{
    (void)state;
    hello_front(F1);
    FRONT(F1, SEES, sees, .peer = U1);
    FRONT(F1, READY, ready, 0);
    assert_int_equal(count_posted(F1, MSG_KNOWN_END), 0);
    FRONT(F1, LOST, lost, .upstream = U1);
    assert_int_equal(count_posted(F1, MSG_KNOWN_END), 1);
}

static void held_calls_count_as_load_and_get_keys_again(void **state)
{
    (void)state;
    hello_front(F1);
    hello_up(U1, 1);
    held(U1, 1, 1, "waiting");
    outcome(U1, 9, 1, 1, 1, b.pool.keys[0].id, FAULT_QUOTA_MINUTE, 5000, true);
    assert_int_equal(expect(U1, MSG_REKEY).rekey.key_id, b.pool.keys[1].id);
    see(F1, U1);
    UP(U1, READY, ready, 0);
    offer(F1, 2, 1, 0, 60000);
    assert_int_equal(count_posted(U1, MSG_JOB), 0); /* its only slot is taken */
}

static void offer_over_a_new_connection(uint64_t call)
{
    FRONT(F1, CALL, call, .balancer = b.actor.incarnation, .call = call, .offer = 1,
          .pool = VIEW("gemini"), .model = VIEW("gemini-x"), .operation = VIEW("generateContent"),
          .left_ms = 60000, .again = true);
}

static void an_offer_repeated_over_a_new_connection_runs_once(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    offer_over_a_new_connection(1); /* it had come */
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 1);
    outcome(U1, 1, 1, 1, 1, 1, FAULT_NONE, 0, false);
    offer_over_a_new_connection(1); /* it has ended, its answer is on the way */
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 1);
    offer_over_a_new_connection(2); /* it was lost */
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 2);
}

static void calls_that_an_upstream_no_longer_reports_are_given_back(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    offer(F1, 2, 1, 0, 60000);
    offer(F1, 3, 1, 0, 60000);
    assert_int_equal(count_posted(U1, MSG_JOB), 2);
    hello_up(U1, 2); /* its connection broke: the jobs may never have come */
    held(U1, 1, 1, "running");
    UP(U1, READY, ready, 0);
    assert_int_equal(count_posted(F1, MSG_RETRY), 1);
    assert_int_equal(expect(F1, MSG_RETRY).retry.call, 3);
    assert_int_equal(expect(F1, MSG_RETRY).retry.attempts, 0); /* it was never run */
}

/* The REKEY was lost with the connection, and so was SETTLED: the upstream says all of it again. */
static void a_call_whose_rekey_was_lost_gets_a_key(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    UP(U2, LEAVE, leave, 0);
    outcome(U1, 1, 1, 1, 1, b.pool.keys[0].id, FAULT_SERVER, 0, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 1);
    forget_posted();
    hello_up(U1, 2);
    held(U1, 1, 1, "waiting");
    outcome(U1, 1, 1, 1, 1, b.pool.keys[0].id, FAULT_SERVER, 0, true);
    assert_int_equal(count_posted(U1, MSG_REKEY), 1);
    assert_int_equal(expect(U1, MSG_REKEY).rekey.key_id,
                     b.pool.keys[1].id); /* the lost one was not tried */
    outcome(U1, 1, 1, 1, 1, b.pool.keys[0].id, FAULT_QUOTA_MINUTE, 5000, true);
    UP(U1, READY, ready, 0);
    assert_int_equal(count_posted(U1, MSG_REKEY), 1);
}

/* The REKEY has come, though SETTLED was lost: the upstream runs the call, and wants no other key.
 */
static void a_call_whose_rekey_has_come_gets_no_other_key(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    outcome(U1, 1, 1, 1, 1, b.pool.keys[0].id, FAULT_QUOTA_MINUTE, 5000, true);
    forget_posted();
    hello_up(U1, 2);
    UP(U1, HELD, held, .frontend = F1, .call = 1, .offer = 1, .attempt = 2,
       .key_id = b.pool.keys[1].id, .model = VIEW("gemini-x"), .state = VIEW("running"),
       .left_ms = 60000);
    outcome(U1, 1, 1, 1, 1, b.pool.keys[0].id, FAULT_QUOTA_MINUTE, 5000, true);
    UP(U1, READY, ready, 0);
    assert_int_equal(count_posted(U1, MSG_REKEY), 0);
    assert_int_equal(count_posted(U1, MSG_CANCEL), 0);
}

/* An upstream that was stopped still holds what was offered again elsewhere; the newest offer
 * counts, whoever comes first. */
static void of_two_offers_reported_the_newer_one_counts(void **state)
{
    (void)state;
    hello_front(F1);
    hello_up(U1, 2);
    hello_up(U2, 2);
    see(F1, U1);
    see(F1, U2);
    FRONT(F1, READY, ready, 0);
    held(U1, 1, 1, "running");
    UP(U1, READY, ready, 0);
    held(U2, 1, 2, "running");
    UP(U2, READY, ready, 0);
    assert_int_equal(count_posted(U2, MSG_CANCEL), 0);
    assert_int_equal(expect(U1, MSG_CANCEL).cancel.offer, 1);
    assert_int_equal(expect(F1, MSG_KNOWN).known.offer, 2);
    assert_int_equal(peer_find(&b.peers, U1, ROLE_UPSTREAM)->outstanding, 0);
    assert_int_equal(peer_find(&b.peers, U2, ROLE_UPSTREAM)->outstanding, 1);
}

static void a_frontend_that_hears_no_upstream_holds_no_other_up(void **state)
{
    (void)state;
    hello_front(F2);
    offer(F2, 1, 1, 0, 60000);
    offer(F1, 2, 1, 0, 60000);
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 1);
    pass(1000);
    offer(F1, 3, 1, 0, 60000);
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 2);
    see(F2, U1);
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 3);
}

/* The operator has taken all keys away meanwhile. */
static void without_any_key_no_time_is_promised(void **state)
{
    (void)state;
    pool_close(&b.pool);
    pool_open(&b.pool, NULL, 0);
    hello_front(F1);
    hello_up(U1, 2);
    UP(U1, HELD, held, .frontend = F1, .call = 1, .offer = 1, .attempt = 3, .key_id = 7,
       .model = VIEW("gemini-x"), .state = VIEW("waiting"), .left_ms = 60000);
    outcome(U1, 1, 1, 1, 3, 7, FAULT_QUOTA_MINUTE, 5000, true);
    assert_int_equal(expect(U1, MSG_STOP).stop.error, ERROR_NO_KEY);
    assert_int_equal(expect(U1, MSG_STOP).stop.retry_after_ms, 0);
}

#define EMPTY(name) cmocka_unit_test_setup_teardown(name, open_empty, close_all)
#define ROAD(name) cmocka_unit_test_setup_teardown(name, open_road, close_all)

/* Trials */

/* Keys that nobody has used; each is to be tried. */
static void open_trials(void)
{
    pool_close(&b.pool);
    pool_open(&b.pool, keys, 2);
    probes_open(&b.probes, 2);
}

static void probed(uint64_t upstream, const struct msg_probe *probe, enum fault fault)
{
    UP(upstream, PROBED, probed, .balancer = b.actor.incarnation, .number = probe->number,
       .key_id = probe->key_id, .fault = fault);
}

/* The next trial goes out, to that upstream. */
static struct msg_probe try_next(uint64_t upstream)
{
    forget_posted();
    b.actor.now_ms += PROBES_GAP_MS;
    probing_turn(&b);
    return expect(upstream, MSG_PROBE).probe;
}

static void a_trial_tells_of_a_key_what_a_call_would(void **state)
{
    struct msg_probe probe;

    (void)state;
    open_trials();
    peer_find(&b.peers, U2, ROLE_UPSTREAM)->is_leaving = true;
    probe = try_next(U1);
    assert_int_equal(probe.key_id, b.pool.keys[0].id);
    probed(U1, &probe, FAULT_NONE);
    assert_true(b.pool.keys[0].cooldown.is_open);
    probe = try_next(U1);
    assert_int_equal(probe.key_id, b.pool.keys[1].id);
    probed(U1, &probe, FAULT_KEY_INVALID);
    assert_true(b.pool.keys[1].cooldown.until_ms > b.actor.now_ms);
    assert_int_equal(b.probes.answer, 1);
    assert_true(probes_are_done(&b.probes));
    balancer_beat(&b, b.actor.now_ms);
    assert_int_equal(expect(F1, MSG_STATUS).status.tried, 2);
    assert_int_equal(expect(F1, MSG_STATUS).status.answer, 1);
}

static void a_trial_that_the_network_ends_condemns_no_key(void **state)
{
    struct msg_probe probe;

    (void)state;
    open_trials();
    peer_find(&b.peers, U2, ROLE_UPSTREAM)->is_leaving = true;
    probe = try_next(U1);
    probed(U1, &probe, FAULT_CONNECT);
    assert_true(b.pool.keys[0].cooldown.until_ms <= b.actor.now_ms);
    assert_int_equal(b.probes.tried, 1);
    assert_int_equal(b.probes.answer, 0);
}

static void the_trial_of_an_upstream_that_dies_is_made_by_another(void **state)
{
    struct msg_probe probe, again;

    (void)state;
    open_trials();
    peer_find(&b.peers, U2, ROLE_UPSTREAM)->is_leaving = true;
    probe = try_next(U1);
    peer_find(&b.peers, U2, ROLE_UPSTREAM)->is_leaving = false;
    FRONT(F1, LOST, lost, .upstream = U1);
    again = try_next(U2);
    assert_int_equal(again.key_id, probe.key_id);
    assert_int_not_equal(again.number, probe.number);
    probed(U2, &again, FAULT_NONE);
    assert_int_equal(b.probes.tried, 1);
}

static void what_another_balancer_had_tried_is_no_news(void **state)
{
    struct msg_probe probe;

    (void)state;
    open_trials();
    peer_find(&b.peers, U2, ROLE_UPSTREAM)->is_leaving = true;
    probe = try_next(U1);
    UP(U1, PROBED, probed, .balancer = 0xb0, .number = probe.number, .key_id = probe.key_id,
       .fault = FAULT_KEY_INVALID);
    assert_int_equal(b.probes.tried, 0);
    assert_true(b.pool.keys[0].cooldown.until_ms <= b.actor.now_ms);
    probed(U1, &probe, FAULT_NONE);
    assert_int_equal(b.probes.answer, 1);
}

/* Proxies */

static const struct secret ways[] = {{VIEW("http://u:word@10.0.0.1:1")},
                                     {VIEW("http://u:word@10.0.0.2:1")},
                                     {VIEW("http://u:word@10.0.0.3:1")}};

static struct view way_of(uint64_t key_id)
{
    return proxies_pick(&b.pool.proxies, key_id, 0)->url.hidden;
}

/* Keys that the proxies serve in such a way that not all go by the same. */
static void open_ways(void)
{
    for (size_t count = 2; count <= 3; count++) {
        pool_open_proxies(&b.pool, ways, count, true);
        if (!view_equal(way_of(b.pool.keys[0].id), way_of(b.pool.keys[1].id)))
            return;
    }
    fail_msg("both keys go by one proxy, with two of them and with three");
}

static void a_job_has_the_way_of_its_key(void **state)
{
    struct msg_job job;
    struct msg_rekey rekey;

    (void)state;
    open_ways();
    offer(F1, 1, 1, 0, 60000);
    job = expect(U1, MSG_JOB).job;
    assert_true(view_equal(job.proxy.hidden, way_of(job.key_id)));
    outcome(U1, 1, 1, 1, 1, job.key_id, FAULT_SERVER, 0, true);
    rekey = expect(U1, MSG_REKEY).rekey;
    assert_int_not_equal(rekey.key_id, b.pool.keys[0].id);
    assert_true(view_equal(rekey.proxy.hidden, way_of(rekey.key_id)));
}

static void keys_of_a_proxy_that_failed_are_passed_over_and_do_not_rest(void **state)
{
    struct msg_job job;
    struct view bad;

    (void)state;
    open_ways();
    offer(F1, 1, 1, 0, 60000);
    job = expect(U1, MSG_JOB).job;
    bad = way_of(job.key_id);
    outcome(U1, 1, 1, 1, 1, job.key_id, FAULT_PROXY, 0, true);
    assert_false(view_equal(expect(U1, MSG_REKEY).rekey.proxy.hidden, bad));
    assert_int_equal(pool_state(&b.pool, b.actor.now_ms).available, 2);
    for (uint64_t call = 2; call < 5; call++) {
        offer(F1, call, 1, 0, 60000);
        assert_false(view_equal(expect(call % 2 ? U1 : U2, MSG_JOB).job.proxy.hidden, bad));
    }
}

/* A key whose proxy is out of order is better than none. */
static void where_all_proxies_rest_they_are_used_all_the_same(void **state)
{
    (void)state;
    open_ways();
    for (size_t i = 0; i < b.pool.proxies.count; i++)
        proxies_settle(&b.pool.proxies, &b.pool.proxies.at[i], 1,
                       &(struct cause){.fault = FAULT_PROXY}, b.actor.now_ms);
    offer(F1, 1, 1, 0, 60000);
    assert_true(expect(U1, MSG_JOB).job.proxy.hidden.len);
}

static void without_proxies_a_job_names_none(void **state)
{
    (void)state;
    offer(F1, 1, 1, 0, 60000);
    assert_int_equal(expect(U1, MSG_JOB).job.proxy.hidden.len, 0);
}

/* What calls name */

enum { ANNA = 1, BERT = 2 };

static void offer_naming(uint64_t call, const char *names, uint64_t client)
{
    FRONT(F1, CALL, call, .balancer = b.actor.incarnation, .call = call, .offer = 1,
          .pool = VIEW("gemini"), .model = VIEW("gemini-x"), .operation = VIEW("generateContent"),
          .path = VIEW("/models/gemini-x:generateContent"), .left_ms = 60000, .body_len = 2,
          .body = VIEW("{}"), .names = view_of(names), .client = client);
}

static uint64_t last_seq = 1000;

/* An answer of that key has described it. */
static void describe(const char *names, size_t key, uint64_t client, bool is_gone)
{
    UP(U1, OUTCOME, outcome, .seq = ++last_seq, .frontend = F1, .call = 99, .offer = 1,
       .attempt = 1, .key_id = b.pool.keys[key].id, .names = view_of(names), .client = client,
       .gone = is_gone);
    forget_posted();
}

static void a_call_goes_to_the_key_that_has_what_it_names(void **state)
{
    (void)state;
    for (size_t key = 0; key < 2; key++) {
        describe("files/a", key, ANNA, true);
        describe("files/a", key, ANNA, false);
        for (uint64_t i = 0; i < 3; i++) {
            uint64_t call = 10 * (key + 1) + i;

            offer_naming(call, "files/a", ANNA);
            assert_int_equal(expect(U1, MSG_JOB).job.key_id, b.pool.keys[key].id);
            assert_int_equal(expect(U1, MSG_JOB).job.owner, b.pool.keys[key].id);
            outcome(U1, ++last_seq, call, 1, 1, b.pool.keys[key].id, FAULT_NONE, 0, false);
            forget_posted();
        }
    }
}

static void what_is_anothers_or_apart_is_refused(void **state)
{
    (void)state;
    describe("files/a", 0, ANNA, false);
    describe("files/b", 1, ANNA, false);
    offer_naming(1, "files/a", BERT);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_NO_OBJECT);
    assert_true(view_equal(expect(F1, MSG_REFUSED).refused.words, VIEW("files/a")));
    offer_naming(2, "files/a files/b", ANNA);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_OBJECTS_APART);
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 0);
    assert_int_equal(calls_count(&b.calls), 0);
}

static void seek_turn(void)
{
    b.actor.now_ms += SEEKS_GAP_MS;
    seeking_turn(&b);
}

static void sought(uint64_t number, size_t key, enum fault fault)
{
    UP(U1, PROBED, probed, .balancer = b.actor.incarnation, .number = number,
       .key_id = b.pool.keys[key].id, .fault = fault);
}

static void what_nobody_knows_is_asked_of_the_keys(void **state)
{
    uint64_t first, second;

    (void)state;
    offer_naming(1, "files/a", ANNA);
    offer_naming(2, "files/a", ANNA);
    assert_int_equal(count_posted(U1, MSG_JOB), 0);
    seek_turn();
    assert_true(view_equal(expect(U1, MSG_PROBE).probe.path, VIEW("/files/a")));
    first = expect(U1, MSG_PROBE).probe.number;
    seek_turn();
    second = expect(U1, MSG_PROBE).probe.number;
    assert_int_equal(count_posted(U1, MSG_PROBE), 2);
    sought(first, 0, FAULT_FORBIDDEN);
    sought(second, 1, FAULT_NONE);
    seek_turn();
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 2);
    offer_naming(3, "files/a", BERT);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_NO_OBJECT);
    assert_int_equal(count_posted(U1, MSG_PROBE), 2);
    for (uint64_t call = 1; call <= 2; call++)
        FRONT(F1, CANCEL, cancel, .frontend = F1, .call = call, .offer = 1);
}

static void what_no_key_has_is_refused(void **state)
{
    (void)state;
    offer_naming(1, "files/a", ANNA);
    for (size_t key = 0; key < 2; key++) {
        seek_turn();
        sought(expect(U1, MSG_PROBE).probe.number, key, FAULT_KEY_INVALID);
    }
    seek_turn();
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_NO_OBJECT);
    assert_int_equal(pool_state(&b.pool, b.actor.now_ms).available,
                     2); /* it costs no key anything */
    forget_posted();
    offer_naming(2, "files/a", ANNA);
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_NO_OBJECT);
    assert_int_equal(count_posted(U1, MSG_PROBE), 0);
}

static void a_call_that_seeks_can_be_cancelled(void **state)
{
    (void)state;
    offer_naming(1, "files/a", ANNA);
    seek_turn();
    FRONT(F1, CANCEL, cancel, .frontend = F1, .call = 1, .offer = 1);
    sought(expect(U1, MSG_PROBE).probe.number, 0, FAULT_NONE);
    seek_turn();
    assert_int_equal(count_posted(U1, MSG_JOB), 0);
    assert_int_equal(calls_count(&b.calls), 0);
    offer_naming(2, "files/b", ANNA);
    assert_int_equal(b.calls.seeking_count, 1);
    UP(U1, UNSEES, unsees, .peer = F1);
    UP(U2, UNSEES, unsees, .peer = F1);
    FRONT(F1, UNSEES, unsees, .peer = U1);
    FRONT(F1, UNSEES, unsees, .peer = U2);
    live(6, F1);
    assert_int_equal(b.calls.seeking_count, 0);
}

static void a_page_of_names_is_told(void **state)
{
    (void)state;
    describe("files/a", 0, ANNA, false);
    describe("files/b", 1, ANNA, false);
    describe("files/c", 1, BERT, false);
    FRONT(F1, CALL, call, .balancer = b.actor.incarnation, .call = 1, .offer = 1,
          .pool = VIEW("objects"), .path = VIEW("/files?before=0&most=1"), .client = ANNA);
    assert_true(
        view_equal(expect(F1, MSG_TOLD).told.data, VIEW("{\"names\":[\"files/b\"],\"before\":2}")));
    assert_int_equal(calls_count(&b.calls), 0);
}

static void what_makes_something_goes_on_only_if_nothing_was_made(void **state)
{
    static const struct {
        enum fault fault;
        bool goes_on;
    } cases[] = {
        {FAULT_QUOTA_MINUTE, true}, {FAULT_OVERLOADED, true}, {FAULT_CONNECT, true},
        {FAULT_SERVER, false},      {FAULT_RESET, false},     {FAULT_DEADLINE, false},
        {FAULT_CUT, false},         {FAULT_MALFORMED, false}, {FAULT_EDGE, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        close_all(state);
        open_road(state);
        FRONT(F1, CALL, call, .balancer = b.actor.incarnation, .call = 1, .offer = 1,
              .pool = VIEW("gemini"), .model = VIEW("gemini-x"), .operation = VIEW("x"),
              .path = VIEW("/x"), .left_ms = 60000, .once = true);
        outcome(U1, 1, 1, 1, 1, expect(U1, MSG_JOB).job.key_id, cases[i].fault, 0, true);
        pass(1000);
        assert_int_equal(count_posted(U1, MSG_REKEY), cases[i].goes_on);
        assert_int_equal(count_posted(U1, MSG_STOP), !cases[i].goes_on);
    }
}

/* Vertex's pool */

static void settle_vertex(enum fault fault, uint64_t stated_ms)
{
    pool_settle(&b.vertex, 0,
                &(struct verdict){.key_id = b.vertex.keys[0].id,
                                  .model = VIEW("gemini-x"),
                                  .fault = fault,
                                  .stated_ms = stated_ms},
                b.actor.now_ms);
}

static void offer_at_vertex(uint64_t call, const char *names)
{
    FRONT(F1, CALL, call, .balancer = b.actor.incarnation, .call = call, .offer = 1,
          .pool = VIEW("vertex"), .model = VIEW("gemini-x"), .operation = VIEW("generateContent"),
          .path = VIEW("/models/gemini-x:generateContent"), .left_ms = 60000, .body_len = 2,
          .body = VIEW("{}"), .names = view_of(names));
}

static void each_pool_serves_its_own_calls(void **state)
{
    (void)state;
    uint64_t id = b.vertex.keys[0].id;

    assert_int_not_equal(id, b.pool.keys[0].id); /* though the key is the same */
    offer_at_vertex(1, "");
    assert_int_equal(expect(U1, MSG_JOB).job.key_id, id);
    assert_true(view_equal(expect(U1, MSG_JOB).job.pool, VIEW("vertex")));
    outcome(U1, 1, 1, 1, 1, id, FAULT_QUOTA_MINUTE, 90000, true);
    assert_int_equal(expect(U1, MSG_STOP).stop.error, ERROR_NO_QUOTA);
    assert_int_equal(b.vertex.keys[0].in_flight, 0);
    forget_posted();
    offer(F1, 2, 1, 0, 60000);
    assert_int_equal(count_posted(U1, MSG_JOB) + count_posted(U2, MSG_JOB), 1);
}

static void a_held_call_goes_on_with_keys_of_its_pool(void **state)
{
    (void)state;
    hello_up(U1, 2);
    UP(U1, HELD, held, .frontend = F1, .call = 1, .offer = 1, .attempt = 1,
       .key_id = b.vertex.keys[0].id, .model = VIEW("gemini-x"), .state = VIEW("running"),
       .left_ms = 60000);
    outcome(U1, 1, 1, 1, 1, b.vertex.keys[0].id, FAULT_SERVER, 0, true);
    pass(5000);
    assert_int_equal(expect(U1, MSG_REKEY).rekey.key_id, b.vertex.keys[0].id);
}

static void a_call_that_waits_for_vertex_holds_up_nobody(void **state)
{
    (void)state;
    settle_vertex(FAULT_QUOTA_MINUTE, 20000);
    offer_at_vertex(1, "");
    assert_int_equal(posted_count, 0);
    offer(F1, 2, 1, 0, 60000);
    assert_int_equal(expect(U1, MSG_JOB).job.call, 2);
    pass(20000);
    assert_int_equal(expect(U2, MSG_JOB).job.call, 1);
}

static void what_is_kept_at_gemini_is_not_at_vertex(void **state)
{
    (void)state;
    holdings_note(&b.holdings, VIEW("files/a"), b.pool.keys[0].id, 0, 0, 1);
    offer_at_vertex(1, "files/a");
    assert_int_equal(expect(F1, MSG_REFUSED).refused.error, ERROR_NO_OBJECT);
    assert_non_null(holdings_find(&b.holdings, VIEW("files/a"), 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROAD(a_trial_tells_of_a_key_what_a_call_would),
        ROAD(a_trial_that_the_network_ends_condemns_no_key),
        ROAD(the_trial_of_an_upstream_that_dies_is_made_by_another),
        ROAD(what_another_balancer_had_tried_is_no_news),
        EMPTY(a_frontend_learns_of_every_upstream_whoever_comes_first),
        EMPTY(a_stranger_is_asked_who_it_is),
        EMPTY(nobody_becomes_an_upstream_at_the_frontends_door),
        ROAD(a_call_for_another_incarnation_is_dropped),
        ROAD(calls_go_to_the_least_loaded_upstream_with_keys_in_turn),
        EMPTY(a_call_travels_only_along_an_open_pair),
        ROAD(a_call_heard_twice_is_placed_once),
        EMPTY(without_an_upstream_calls_wait_for_their_deadline),
        EMPTY(a_full_queue_refuses),
        ROAD(a_faulty_key_is_replaced_and_rests),
        ROAD(attempts_end_with_max_retries),
        ROAD(a_wrong_model_name_is_tried_with_one_more_key_only),
        ROAD(a_model_that_is_known_is_tried_with_further_keys),
        ROAD(calls_wait_while_the_model_rests_or_are_refused),
        ROAD(a_last_attempt_at_a_resting_model_says_how_long),
        ROAD(an_overloaded_model_is_given_a_pause),
        ROAD(when_all_keys_rest_a_call_waits_if_it_can),
        ROAD(a_call_whose_keys_all_rest_meanwhile_is_stopped_with_the_time),
        ROAD(an_outcome_told_twice_counts_once),
        ROAD(a_wait_known_to_be_longer_than_the_setting_is_refused_at_once),
        ROAD(a_wait_that_grows_beyond_it_is_ended_at_once),
        ROAD(those_that_come_back_together_do_not_fall_on_one_key),
        ROAD(what_has_no_known_end_is_refused_with_its_reason_and_no_time),
        ROAD(faults_that_reach_no_model_do_not_use_up_max_retries),
        ROAD(pauses_double),
        ROAD(a_call_for_an_owner_gets_that_key_or_waits_for_it),
        ROAD(who_comes_in_the_round_that_frees_a_slot_stands_behind_those_that_wait),
        ROAD(frontends_hear_how_many_keys_can_serve_and_until_when_not),
        ROAD(calls_of_a_lost_upstream_are_given_back),
        ROAD(another_frontends_calls_stay_where_they_are),
        ROAD(a_silent_upstream_gets_nothing_and_gives_back_until_it_is_heard),
        ROAD(silence_does_not_count_while_the_balancer_is_stopped),
        ROAD(a_dead_frontends_calls_are_dropped),
        ROAD(a_cancelled_call_is_dropped_or_cancelled_where_it_runs),
        EMPTY(known_waits_for_every_upstream_that_the_frontend_sees),
        EMPTY(a_call_that_ended_before_known_is_named_all_the_same),
        EMPTY(an_upstream_that_reports_too_late_is_given_up),
        EMPTY(a_lost_upstream_is_not_waited_for),
        EMPTY(held_calls_count_as_load_and_get_keys_again),
        ROAD(an_offer_repeated_over_a_new_connection_runs_once),
        ROAD(calls_that_an_upstream_no_longer_reports_are_given_back),
        ROAD(a_call_whose_rekey_was_lost_gets_a_key),
        ROAD(a_call_whose_rekey_has_come_gets_no_other_key),
        EMPTY(of_two_offers_reported_the_newer_one_counts),
        ROAD(a_frontend_that_hears_no_upstream_holds_no_other_up),
        EMPTY(without_any_key_no_time_is_promised),
        ROAD(a_job_has_the_way_of_its_key),
        ROAD(keys_of_a_proxy_that_failed_are_passed_over_and_do_not_rest),
        ROAD(where_all_proxies_rest_they_are_used_all_the_same),
        ROAD(without_proxies_a_job_names_none),
        ROAD(a_call_goes_to_the_key_that_has_what_it_names),
        ROAD(what_is_anothers_or_apart_is_refused),
        ROAD(what_nobody_knows_is_asked_of_the_keys),
        ROAD(what_no_key_has_is_refused),
        ROAD(a_call_that_seeks_can_be_cancelled),
        ROAD(a_page_of_names_is_told),
        ROAD(what_makes_something_goes_on_only_if_nothing_was_made),
        ROAD(each_pool_serves_its_own_calls),
        EMPTY(a_held_call_goes_on_with_keys_of_its_pool),
        ROAD(a_call_that_waits_for_vertex_holds_up_nobody),
        ROAD(what_is_kept_at_gemini_is_not_at_vertex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
