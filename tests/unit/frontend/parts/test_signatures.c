/* SPDX-License-Identifier: Apache-2.0 */
/* Kept signatures: found again by whose they are, across processes and kills, in bounded room. */
#include "parts/signatures.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

enum { SIZE = 128 * 1024, NOW_S = 1000000 };

static struct {
    char folder[32];
    struct signatures kept;
} cache;

static int open_cache(void **state)
{
    (void)state;
    strcpy(cache.folder, "/tmp/signatures-XXXXXX");
    assert_non_null(mkdtemp(cache.folder));
    signatures_open(&cache.kept, cache.folder, SIZE);
    assert_non_null(cache.kept.header);
    return 0;
}

/* The path of the only file. */
static struct bytes path(void)
{
    struct bytes found = {0};
    DIR *dir = opendir(cache.folder);
    const struct dirent *entry;

    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        assert_int_equal(found.len, 0);
        bytes_printf(&found, "%s/%s", cache.folder, entry->d_name);
    }
    closedir(dir);
    bytes_cstr(&found);
    return found;
}

static int close_cache(void **state)
{
    struct bytes file = path();

    (void)state;
    signatures_close(&cache.kept);
    if (file.len)
        unlink(file.at);
    bytes_clear(&file);
    return rmdir(cache.folder);
}

static struct signature_owner owner(uint64_t client, const char *id, const char *model)
{
    return (struct signature_owner){client, view_of(id), view_of(model)};
}

static void keep_at(const char *id, const char *signature, uint64_t now_s)
{
    struct signature_owner mine = owner(7, id, "gemini-3.5-flash");

    signatures_keep(&cache.kept, &mine, view_of(signature), now_s);
}

static void expect_of(struct signature_owner who, uint64_t now_s, const char *want)
{
    struct bytes out = {0};

    bytes_text(&out, "before ");
    assert_int_equal(signatures_find(&cache.kept, &who, now_s, &out), want != NULL);
    expect_text("found", bytes_cstr(&out) + strlen("before "), want ? want : "");
    bytes_clear(&out);
}

static void expect(const char *id, const char *want)
{
    expect_of(owner(7, id, "gemini-3.5-flash"), NOW_S, want);
}

static void what_is_kept_is_found_by_its_owner(void **state)
{
    (void)state;
    keep_at("call_1", "AAAA", NOW_S);
    keep_at("call_2", "BBBB", NOW_S);
    expect("call_1", "AAAA");
    expect("call_2", "BBBB");
    expect("call_3", NULL);
    expect_of(owner(8, "call_1", "gemini-3.5-flash"), NOW_S, NULL); /* another client's */
    keep_at("call_1", "CCCC", NOW_S);
    expect("call_1", "CCCC");
}

static void a_family_of_models_shares_its_signatures(void **state)
{
    (void)state;
    keep_at("call_1", "AAAA", NOW_S);
    expect_of(owner(7, "call_1", "gemini-3.6-pro"), NOW_S, "AAAA");
    expect_of(owner(7, "call_1", "gemini-3-flash"), NOW_S, "AAAA");
    expect_of(owner(7, "call_1", "gemini-2.5-flash"), NOW_S, NULL);
    expect_of(owner(7, "call_1", "gemini-flash-latest"), NOW_S, NULL);
}

static void it_lives_for_a_day_and_longer_if_it_is_used(void **state)
{
    struct signature_owner mine = owner(7, "call_1", "gemini-3.5-flash");

    (void)state;
    keep_at("call_1", "AAAA", NOW_S);
    expect_of(mine, NOW_S + SIGNATURES_LIFE_S, "AAAA"); /* it is kept on from here */
    expect_of(mine, NOW_S + 2 * SIGNATURES_LIFE_S, "AAAA");
    expect_of(mine, NOW_S + 3 * SIGNATURES_LIFE_S + 1, NULL);
}

static void fill(size_t from, size_t count)
{
    char id[32], signature[1001];

    memset(signature, 'A', 1000);
    signature[1000] = '\0';
    for (size_t i = from; i < from + count; i++) {
        snprintf(id, sizeof(id), "filler_%zu", i);
        keep_at(id, signature, NOW_S);
    }
}

static void the_oldest_makes_room_but_not_what_is_used(void **state)
{
    struct bytes file = path();
    struct stat facts;

    (void)state;
    keep_at("call_idle", "AAAA", NOW_S);
    keep_at("call_used", "BBBB", NOW_S);
    for (size_t i = 0; i < 10; i++) {
        fill(i * 30, 30);
        expect("call_used", "BBBB");
    }
    expect("call_idle", NULL);
    assert_int_equal(stat(file.at, &facts), 0);
    assert_in_range(facts.st_size, SIZE, 2 * SIZE);
    assert_int_equal(facts.st_mode & 0777, 0600);
    bytes_clear(&file);
}

static void what_is_too_large_is_not_kept(void **state)
{
    static char large[SIZE];

    (void)state;
    memset(large, 'A', sizeof(large) - 1);
    keep_at("call_1", large, NOW_S);
    expect("call_1", NULL);
}

/* A frontend that is killed, and its successor. */
static void another_process_finds_it_and_a_restart_too(void **state)
{
    struct signatures other = {0};
    struct signature_owner mine = owner(7, "call_1", "gemini-3.5-flash");
    struct bytes out = {0};

    (void)state;
    signatures_open(&other, cache.folder, SIZE);
    keep_at("call_1", "AAAA", NOW_S);
    assert_true(signatures_find(&other, &mine, NOW_S, &out));
    signatures_close(&other);
    signatures_close(&cache.kept);
    signatures_open(&cache.kept, cache.folder, SIZE);
    expect("call_1", "AAAA");
    bytes_clear(&out);
}

static void several_processes_write_at_once(void **state)
{
    enum { WRITERS = 4, EACH = 12 };
    char id[32], want[32];
    int status;

    (void)state;
    for (int writer = 0; writer < WRITERS; writer++) {
        if (fork() != 0)
            continue;
        for (int i = 0; i < EACH; i++) {
            snprintf(id, sizeof(id), "call_%d_%d", writer, i);
            snprintf(want, sizeof(want), "signature%d%d", writer, i);
            keep_at(id, want, NOW_S);
        }
        _exit(0);
    }
    for (int writer = 0; writer < WRITERS; writer++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < WRITERS * EACH; i++) {
        struct signature_owner who;
        struct bytes out = {0};

        snprintf(id, sizeof(id), "call_%d_%d", i / EACH, i % EACH);
        snprintf(want, sizeof(want), "signature%d%d", i / EACH, i % EACH);
        who = owner(7, id, "gemini-3.5-flash");
        if (signatures_find(&cache.kept, &who, NOW_S,
                            &out)) /* two may want one slot of the index */
            expect_text(id, bytes_cstr(&out), want);
        bytes_clear(&out);
    }
}

/* Whatever a byte of the file becomes, nothing wrong is found. */
static void a_damaged_file_gives_nothing_wrong(void **state)
{
    struct bytes file = path();
    int fd = open(file.at, O_RDWR);
    off_t len = lseek(fd, 0, SEEK_END);

    (void)state;
    keep_at("call_1", "AAAA", NOW_S);
    for (off_t at = 4096; at < len; at += 3) {
        struct signature_owner mine = owner(7, "call_1", "gemini-3.5-flash");
        struct bytes out = {0};
        char was, broken;

        assert_int_equal(pread(fd, &was, 1, at), 1);
        if (!was && at % 61) /* mostly holes */
            continue;
        broken = (char)(was ^ 0x55);
        assert_int_equal(pwrite(fd, &broken, 1, at), 1);
        if (signatures_find(&cache.kept, &mine, NOW_S, &out))
            expect_text("found", bytes_cstr(&out), "AAAA");
        bytes_clear(&out);
        assert_int_equal(pwrite(fd, &was, 1, at), 1);
    }
    close(fd);
    bytes_clear(&file);
}

static void a_file_of_another_kind_is_replaced(void **state)
{
    struct bytes file = path();
    int fd = open(file.at, O_WRONLY);

    (void)state;
    keep_at("call_1", "AAAA", NOW_S);
    signatures_close(&cache.kept);
    assert_int_equal(pwrite(fd, "nonsense", 8, 0), 8);
    close(fd);
    signatures_open(&cache.kept, cache.folder, SIZE);
    assert_non_null(cache.kept.header);
    expect("call_1", NULL);
    keep_at("call_1", "BBBB", NOW_S);
    expect("call_1", "BBBB");
    bytes_clear(&file);
}

static void another_size_is_another_file_and_none_is_none(void **state)
{
    struct bytes file = path();

    (void)state;
    signatures_close(&cache.kept);
    signatures_open(&cache.kept, cache.folder, 2 * SIZE);
    assert_int_equal(access(file.at, F_OK), -1);
    keep_at("call_1", "AAAA", NOW_S);
    expect("call_1", "AAAA");
    signatures_close(&cache.kept);
    signatures_open(&cache.kept, cache.folder, 0);
    assert_null(cache.kept.header);
    keep_at("call_1", "AAAA", NOW_S);
    expect("call_1", NULL);
    bytes_clear(&file);
}

static void a_folder_that_cannot_be_written_keeps_nothing(void **state)
{
    (void)state;
    signatures_close(&cache.kept);
    signatures_open(&cache.kept, "/proc/nowhere", SIZE);
    assert_null(cache.kept.header);
    keep_at("call_1", "AAAA", NOW_S);
    expect("call_1", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_cache, close_cache)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_kept_is_found_by_its_owner),
        TEST(a_family_of_models_shares_its_signatures),
        TEST(it_lives_for_a_day_and_longer_if_it_is_used),
        TEST(the_oldest_makes_room_but_not_what_is_used),
        TEST(what_is_too_large_is_not_kept),
        TEST(another_process_finds_it_and_a_restart_too),
        TEST(several_processes_write_at_once),
        TEST(a_damaged_file_gives_nothing_wrong),
        TEST(a_file_of_another_kind_is_replaced),
        TEST(another_size_is_another_file_and_none_is_none),
        TEST(a_folder_that_cannot_be_written_keeps_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
