/* SPDX-License-Identifier: Apache-2.0 */
/* Two actors in one process, turned by hand, over real ipc sockets: what a link and a pair of XPUB
 * and XSUB promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "base/clock.h"
#include "link.h"
#include "base/log.h"
#include "settings/options.h"
#include "settings_mine.h"

static char folder[] = "/tmp/link-test-XXXXXX";
static struct actor server, client;
static struct mailbox router;
static struct link client_link;
static struct {
    int hellos, calls, strays, welcomes, losses, heads, acks, subscribed, unsubscribed,
        disconnected;
    uint64_t from, last_call;
} seen;

static const char *address(const char *name)
{
    static char texts[2][200]; /* a link borrows its address for its life */
    char *text = texts[strcmp(name, "answers") == 0];

    snprintf(text, sizeof(texts[0]), "ipc://%s/%s", folder, name);
    return text;
}

/* Turns both actors until *what reaches `count`, five seconds at most. */
static void turn_until(const int *what, int count)
{
    uint64_t end_ms = clock_ms() + 5000;

    while (*what < count && clock_ms() < end_ms) {
        actor_turn(&server);
        actor_turn(&client);
        usleep(500);
    }
    assert_true(*what >= count);
}

static void turn_for(uint64_t ms)
{
    for (uint64_t end_ms = clock_ms() + ms; clock_ms() < end_ms; usleep(500)) {
        actor_turn(&server);
        actor_turn(&client);
    }
}

static void on_hello(void *owner, const struct letter *letter)
{
    (void)owner;
    seen.hellos++;
    seen.from = letter->from;
    assert_int_equal(letter->msg->hello.incarnation, letter->from);
    mailbox_post(&router, letter->from, MSG_WELCOME,
                 &(struct msg_welcome){.incarnation = server.incarnation});
}

static void on_call(void *owner, const struct letter *letter)
{
    (void)owner;
    seen.calls++;
    seen.last_call = letter->msg->call.call;
}

static letter_handler *const server_handlers[MSG_KINDS] = {
    [MSG_HELLO] = on_hello, [MSG_CALL] = on_call};
static letter_handler *const client_handlers[MSG_KINDS] = {0};

static void on_welcome(void *owner, struct link *link)
{
    (void)owner, (void)link;
    seen.welcomes++;
}

static void on_lost(void *owner, struct link *link)
{
    (void)owner, (void)link;
    seen.losses++;
}

static void tick_client(void *owner, uint64_t now_ms)
{
    (void)owner;
    link_tick(&client_link, 0, now_ms);
}

static int open_both(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    actor_open(&server, ROLE_BALANCER, "server", NULL);
    actor_open(&client, ROLE_FRONTEND, "client", NULL);
    mailbox_open(&router, &server, MAILBOX_ROUTER, "router", address("router"), server_handlers,
                 NULL, NULL);
    memset(&client_link, 0, sizeof(client_link));
    client_link.on_welcome = on_welcome;
    client_link.on_lost = on_lost;
    client.on_tick = tick_client;
    link_open(&client_link, &client, "link", address("router"), &(struct msg_hello){0},
              client_handlers, NULL);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    actor_close(&client);
    actor_close(&server);
    return 0;
}

static void call(uint64_t number)
{
    link_post(&client_link, MSG_CALL, &(struct msg_call){.call = number});
}

static void a_link_says_hello_and_is_welcomed(void **state)
{
    (void)state;
    assert_false(link_post(&client_link, MSG_CALL, &(struct msg_call){.call = 1}));
    turn_until(&seen.welcomes, 1);
    assert_int_equal(seen.from, client.incarnation);
    assert_int_equal(client_link.peer, server.incarnation);
    call(2);
    turn_until(&seen.calls, 1);
    assert_int_equal(seen.last_call, 2);
}

static void letters_to_a_dead_balancer_never_reach_its_successor(void **state)
{
    (void)state;
    turn_until(&seen.welcomes, 1);
    actor_close(&server);
    for (int i = 0; i < 50; i++)
        call(1000 + (uint64_t)i); /* it is dead, and we may not know yet */
    actor_turn(&client);
    actor_open(&server, ROLE_BALANCER, "server", NULL);
    mailbox_open(&router, &server, MAILBOX_ROUTER, "router", address("router"), server_handlers,
                 NULL, NULL);
    turn_until(&seen.losses, 1);
    turn_until(&seen.welcomes, 2);
    assert_int_equal(client_link.peer, server.incarnation);
    call(7);
    turn_until(&seen.calls, 1);
    turn_for(100);
    assert_int_equal(seen.last_call, 7);
    assert_int_equal(seen.calls, 1);
}

static void asked_who_a_link_says_hello_again(void **state)
{
    (void)state;
    turn_until(&seen.welcomes, 1);
    turn_for(150);
    mailbox_post(&router, client.incarnation, MSG_WHO, &(struct msg_who){0});
    turn_until(&seen.hellos, 2);
    turn_until(&seen.welcomes, 2);
    assert_int_equal(client_link.peer, server.incarnation);
}

static void a_letter_that_has_no_handler_is_counted_and_dropped(void **state)
{
    (void)state;
    turn_until(&seen.welcomes, 1);
    mailbox_post(&router, client.incarnation, MSG_JOB, &(struct msg_job){.call = 1});
    turn_for(100);
    assert_int_equal(client.stray_letters, 1);
}

/* Answers: the server is the upstream's XPUB, the client the frontend's XSUB */

static void on_head(void *owner, const struct letter *letter)
{
    (void)owner;
    seen.heads++;
    seen.last_call = letter->msg->head.call;
}

static void on_ack(void *owner, const struct letter *letter)
{
    (void)owner;
    seen.acks++;
    seen.from = letter->msg->ack.frontend;
}

static void on_event(void *owner, struct mailbox *box, enum mailbox_event event, uint64_t peer)
{
    (void)owner, (void)box;
    seen.subscribed += event == MAILBOX_SUBSCRIBED;
    seen.unsubscribed += event == MAILBOX_UNSUBSCRIBED;
    seen.disconnected += event == MAILBOX_DISCONNECTED;
    if (event == MAILBOX_SUBSCRIBED)
        seen.from = peer;
}

static letter_handler *const xpub_handlers[MSG_KINDS] = {[MSG_ACK] = on_ack};
static letter_handler *const xsub_handlers[MSG_KINDS] = {[MSG_HEAD] = on_head};
static struct mailbox xpub, xsub;

static int open_answers(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    actor_open(&server, ROLE_UPSTREAM, "server", NULL);
    actor_open(&client, ROLE_FRONTEND, "client", NULL);
    mailbox_open(&xpub, &server, MAILBOX_XPUB, "xpub", address("answers"), xpub_handlers, on_event,
                 NULL);
    mailbox_open(&xsub, &client, MAILBOX_XSUB, "xsub", address("answers"), xsub_handlers, on_event,
                 NULL);
    return 0;
}

static void head(uint64_t to, uint64_t number)
{
    mailbox_post(&xpub, to, MSG_HEAD, &(struct msg_head){.call = number});
}

static void answers_reach_their_topic_and_acknowledgements_come_back(void **state)
{
    (void)state;
    turn_until(&seen.subscribed, 1);
    assert_int_equal(seen.from, client.incarnation);
    head(client.incarnation + 1, 666); /* somebody else's */
    head(client.incarnation, 5);
    turn_until(&seen.heads, 1);
    assert_int_equal(seen.last_call, 5);
    mailbox_post(&xsub, 0, MSG_ACK, &(struct msg_ack){.frontend = client.incarnation, .call = 5});
    turn_until(&seen.acks, 1);
    assert_int_equal(seen.from, client.incarnation);
    turn_for(50);
    assert_int_equal(seen.heads, 1);
}

static void a_letter_of_another_socket_is_refused(void **state)
{
    (void)state;
    turn_until(&seen.subscribed, 1);
    mailbox_post(&xsub, 0, MSG_JOB,
                 &(struct msg_job){.call = 1}); /* a job must come from a balancer */
    turn_for(100);
    assert_int_equal(server.stray_letters, 1);
}

static void bytes_of_a_letter_never_subscribe(void **state)
{
    unsigned char forged[9] = {1, 1, 2, 3, 4, 5, 6, 7, 8};

    (void)state;
    turn_until(&seen.subscribed, 1);
    mailbox_post(&xsub, 0, MSG_BODY, &(struct msg_body){.data = {(char *)forged, sizeof(forged)}});
    mailbox_post(&xsub, 0, MSG_ACK, &(struct msg_ack){0});
    turn_until(&seen.acks, 1);
    assert_int_equal(seen.subscribed, 1);
    assert_int_equal(seen.unsubscribed, 0);
}

static void each_side_notices_that_the_other_is_gone(void **state)
{
    (void)state;
    turn_until(&seen.subscribed, 1);
    mailbox_close(&xsub);
    turn_until(&seen.unsubscribed, 1);
    mailbox_open(&xsub, &client, MAILBOX_XSUB, "xsub", address("answers"), xsub_handlers, on_event,
                 NULL);
    turn_until(&seen.subscribed, 2);
    mailbox_close(&xpub);
    turn_until(&seen.disconnected, 1);
}

static int status_of_opening(const char *where)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        static struct mailbox box;

        if (!freopen("/dev/null", "w", stderr))
            _exit(9);
        actor_open(&server, ROLE_BALANCER, "server", NULL);
        mailbox_open(&box, &server, MAILBOX_ROUTER, "router", where, server_handlers, NULL, NULL);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void an_address_beyond_this_host_is_refused(void **state)
{
    (void)state;
    assert_int_equal(status_of_opening("tcp://127.0.0.1:*"), 0);
    assert_int_equal(status_of_opening("tcp://192.0.2.1:7000"), 1);
    assert_int_equal(status_of_opening("tcp://0.0.0.0:7000"), 1);
    assert_int_equal(status_of_opening("tcp://*:7000"), 1);
    assert_int_equal(status_of_opening("tcp://127.example.org:7000"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_beyond_this_host_is_refused),
        cmocka_unit_test_setup_teardown(a_link_says_hello_and_is_welcomed, open_both, close_both),
        cmocka_unit_test_setup_teardown(letters_to_a_dead_balancer_never_reach_its_successor,
                                        open_both, close_both),
        cmocka_unit_test_setup_teardown(asked_who_a_link_says_hello_again, open_both, close_both),
        cmocka_unit_test_setup_teardown(a_letter_that_has_no_handler_is_counted_and_dropped,
                                        open_both, close_both),
        cmocka_unit_test_setup_teardown(answers_reach_their_topic_and_acknowledgements_come_back,
                                        open_answers, close_both),
        cmocka_unit_test_setup_teardown(a_letter_of_another_socket_is_refused, open_answers,
                                        close_both),
        cmocka_unit_test_setup_teardown(bytes_of_a_letter_never_subscribe, open_answers,
                                        close_both),
        cmocka_unit_test_setup_teardown(each_side_notices_that_the_other_is_gone, open_answers,
                                        close_both),
    };
    char *arguments[] = {"test", NULL};
    int failed;

    if (!mkdtemp(folder))
        return 1;
    setenv("STATE_DIR", folder, 1);
    setenv("LOG_LEVEL", "ERROR", 0);
    options_read(1, arguments);
    log_open("test", settings_mine()->log_level ? settings_mine()->log_level : "INFO");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
