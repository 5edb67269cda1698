/* SPDX-License-Identifier: Apache-2.0 */
/* Text that flows: its pieces, their pauses, and the chunks that they are. */
#include "frontend/reply_test.h"

static void pieces_end_between_characters_as_people_see_them(void **state)
{
    static const struct {
        const char *what, *text;
        size_t piece;
        const char *want; /* with bars */
    } cases[] = {
        {"letters", "abc", 1, "a|b|c|"},
        {"by two", "abcde", 2, "ab|cd|e|"},
        {"umlauts", "\xc3\xa4\xc3\xb6", 1, "\xc3\xa4|\xc3\xb6|"},
        {"an accent", "e\xcc\x81x", 1, "e\xcc\x81|x|"},
        {"a family", "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9y", 1,
         "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9|y|"},
        {"a colour of skin", "\xf0\x9f\x91\x8b\xf0\x9f\x8f\xbd!", 1,
         "\xf0\x9f\x91\x8b\xf0\x9f\x8f\xbd|!|"},
        {"two flags", "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa\xf0\x9f\x87\xab\xf0\x9f\x87\xb7", 1,
         "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa|\xf0\x9f\x87\xab\xf0\x9f\x87\xb7|"},
        {"a line's end", "a\r\nb", 1, "a|\r\n|b|"},
        {"nothing", "", 1, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct view text = view_of(cases[i].text);
        struct bytes out = {0};

        while (text.len) {
            bytes_append(&out, pace_piece(&text, cases[i].piece));
            bytes_append(&out, VIEW("|"));
        }
        expect_text(cases[i].what, bytes_cstr(&out), cases[i].want);
        bytes_clear(&out);
    }
}

static void short_texts_flow_by_characters_and_long_ones_by_pieces(void **state)
{
    static const struct reply_pace pace = {.is_on = true,
                                           .short_most = 10,
                                           .long_least = 50,
                                           .piece = 5,
                                           .least_ms = 16,
                                           .most_ms = 24};
    static const struct {
        size_t count, piece;
        uint64_t pause_ms;
    } cases[] = {{1, 1, 24},  {10, 1, 24},   {30, 1, 20},   {49, 1, 17},
                 {50, 5, 16}, {1280, 5, 16}, {2560, 10, 16}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t pause_ms;
        assert_int_equal(pace_of(&pace, cases[i].count, &pause_ms), cases[i].piece);
        assert_int_equal(pause_ms, cases[i].pause_ms);
    }
}

static void odd_settings_do_no_harm(void **state)
{
    static const struct reply_pace cases[] = {
        {.is_on = true},
        {.is_on = true, .short_most = 50, .long_least = 10, .least_ms = 24, .most_ms = 16},
        {.is_on = true, .short_most = 10, .long_least = 10, .piece = 5, .most_ms = 16},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t count = 0; count < 100; count++) {
            uint64_t pause_ms;
            assert_true(pace_of(&cases[i], count, &pause_ms) >= 1);
            assert_true(pause_ms <= 24);
        }
}

#define PICTURE "{'inlineData':{'mimeType':'image/png','data':'QUJD'}}"

static void text_becomes_a_chunk_for_each_piece(void **state)
{
    static const struct stream streams[] = {
        {.what = "a short one",
         .events = {MORE("{'text':'ab'}"), PARTS("{'text':'c'}", "STOP")},
         .want = ROLE TEXT("a") TEXT("b") TEXT("c") FINISH("stop") DONE},
        {.what = "a long one",
         .events = {PARTS("{'text':'abcdefghijkl'}", "STOP")},
         .want = ROLE TEXT("abcde") TEXT("fghij") TEXT("kl") FINISH("stop") DONE},
        {.what = "thoughts and pictures stay whole",
         .events = {PARTS("{'text':'hmm','thought':true}," PICTURE ",{'text':'a'}", "STOP")},
         .want = ROLE CHUNK("'reasoning_content':'hmm'") CHUNK(
             "'images':[" IMAGE_AT("0", "image/png", "QUJD") "]") TEXT("a") FINISH("stop") DONE},
        {.what = "the probabilities are the last one's",
         .logprobs = true,
         .events = {"{'candidates':[{'content':{'parts':[{'text':'ab'}]},'logprobsResult':{'"
                    "chosenCandidates':[]}}]" ID "}",
                    FINISHED("STOP")},
         .want = ROLE TEXT("a") CHUNK_LOGPROBS("'content':'b'", "{'content':[],'refusal':null}")
             FINISH("stop") DONE},
    };

    (void)state;
    given.pace = (struct reply_pace){
        .is_on = true, .short_most = 1, .long_least = 10, .piece = 5, .least_ms = 1, .most_ms = 2};
    streams_are(streams, COUNT_OF(streams));
    given = (struct given){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_end_between_characters_as_people_see_them),
        cmocka_unit_test(short_texts_flow_by_characters_and_long_ones_by_pieces),
        cmocka_unit_test(odd_settings_do_no_harm),
        cmocka_unit_test(text_becomes_a_chunk_for_each_piece),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
