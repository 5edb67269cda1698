/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures, sound, videos and files in requests of chat/completions. */
#include "frontend/dialect_test.h"

#define SENDS_TO(model, part)                                                                      \
    "{'model':'" model "','messages':[{'role':'user','content':[" part "]}]}"
#define SENDS(part) SENDS_TO("gemini-2.5-flash", part)
#define GETS(part) "{'contents':[{'role':'user','parts':[" part "]}]}"
#define INLINE(data, type) GETS("{'inlineData':{'data':'" data "','mimeType':'" type "'}}")
#define URI(uri) GETS("{'fileData':{'fileUri':'" uri "'}}")
#define URI_OF(uri, type) GETS("{'fileData':{'fileUri':'" uri "','mimeType':'" type "'}}")
#define GOOGLE "https://generativelanguage.googleapis.com/v1beta/files/"
#define PDF "JVBERi0xLjQK"

static void addresses_are_left_to_the_provider(void **state)
{
#define AT(url) SENDS("{'type':'image_url','image_url':{'url':'" url "'}}")
    (void)state;
    TRANSLATES(
        {"a picture", AT("https://example.org/a.png?x=1"),
         URI_OF("https://example.org/a.png?x=1", "image/png")},
        {"of an unknown type", AT("http://example.org/a"), URI("http://example.org/a")},
        {"a string", SENDS("{'type':'input_image','image_url':'https://example.org/a.jpeg'}"),
         URI_OF("https://example.org/a.jpeg", "image/jpeg")},
        {"a file's name", AT("files/abc"), URI(GOOGLE "abc")},
        {"a file's URI", AT(GOOGLE "abc"), URI(GOOGLE "abc")},
        {"a video of YouTube", AT("https://www.youtube.com/watch?v=x"),
         URI("https://www.youtube.com/watch?v=x")},
        {"that with an older model",
         SENDS_TO("gemini-2.0-flash",
                  "{'type':'video_url','video_url':{'url':'https://youtu.be/x'}}"),
         URI("https://youtu.be/x")},
        {"a type that the client knows",
         SENDS("{'type':'image_url','image_url':{'url':'https://example.org/a','mime_type':"
               "'image/webp'}}"),
         URI_OF("https://example.org/a", "image/webp")},
        {"closely, with a newer model",
         SENDS_TO("gemini-3.5-flash", "{'type':'image_url','image_url':{'url':'files/a','detail':"
                                      "'high'}}"),
         GETS("{'fileData':{'fileUri':'" GOOGLE "a'},'mediaResolution':{'level':"
              "'MEDIA_RESOLUTION_HIGH'}}")},
        {"quotes stay inside", AT("https://example.org/\\'},{"),
         URI("https://example.org/\\'},{")});
}

static void sound_has_a_format(void **state)
{
#define SOUND(data, format)                                                                        \
    SENDS("{'type':'input_audio','input_audio':{'data':'" data "','format':'" format "'}}")
    (void)state;
    TRANSLATES(
        {"wav", SOUND("QQ==", "wav"), INLINE("QQ==", "audio/wav")},
        {"mp3", SOUND("QQ==", "mp3"), INLINE("QQ==", "audio/mp3")},
        {"webm", SOUND("QQ==", "webm"), INLINE("QQ==", "audio/webm")},
        {"pcm16", SOUND("QQ==", "pcm16"), INLINE("QQ==", "audio/pcm")},
        {"a whole type", SOUND("QQ==", "audio/x-wav"), INLINE("QQ==", "audio/wav")},
        {"a data URL", SOUND("data:audio/ogg;base64,QQ==", "wav"), INLINE("QQ==", "audio/ogg")},
        {"what the data shows",
         SENDS("{'type':'input_audio','input_audio':{'data':'SUQzBAAAAAAA'}}"),
         INLINE("SUQzBAAAAAAA", "audio/mp3")},
        {"white space and no padding", SOUND("Q\\nQ", "flac"), INLINE("QQ==", "audio/flac")},
        {"an address", SENDS("{'type':'audio_url','audio_url':{'url':'https://x.org/a.mp3'}}"),
         URI_OF("https://x.org/a.mp3", "audio/mp3")},
        {"an address as data", SOUND("https://x.org/a", "mp3"),
         URI_OF("https://x.org/a", "audio/mp3")});
}

static void videos(void **state)
{
    (void)state;
    TRANSLATES(
        {"an address", SENDS("{'type':'video_url','video_url':{'url':'https://x.org/a.mp4'}}"),
         URI_OF("https://x.org/a.mp4", "video/mp4")},
        {"in the request", SENDS("{'type':'video_url','video_url':'data:video/mp4;base64,QQ=='}"),
         INLINE("QQ==", "video/mp4")},
        {"with a format",
         SENDS("{'type':'input_video','input_video':{'data':'QQ==','format':'mov'}}"),
         INLINE("QQ==", "video/quicktime")},
        {"some frames of it",
         SENDS("{'type':'video_url','video_url':{'url':'https://youtu.be/x','video_metadata':{"
               "'fps':0.5,'start_offset':10,'endOffset':'20.5s'}}}"),
         GETS("{'fileData':{'fileUri':'https://youtu.be/x'},'videoMetadata':{'fps':0.5,"
              "'startOffset':'10s','endOffset':'20.5s'}}")});
}

static void files_have_a_name(void **state)
{
#define FILE_OF(members) SENDS("{'type':'file','file':{" members "}}")
    (void)state;
    TRANSLATES(
        {"a data URL", FILE_OF("'file_data':'data:application/pdf;base64,QQ=='"),
         INLINE("QQ==", "application/pdf")},
        {"base64 alone", FILE_OF("'file_data':'QQ=='"), INLINE("QQ==", "application/pdf")},
        {"base64 and a name", FILE_OF("'filename':'a.csv','file_data':'QQ=='"),
         INLINE("QQ==", "text/csv")},
        {"a name of an unknown kind", FILE_OF("'filename':'a.q','file_data':'" PDF "'"),
         INLINE(PDF, "application/pdf")},
        {"a data URL of no type",
         FILE_OF("'filename':'a.txt','file_data':'data:application/octet-stream;base64,QQ=='"),
         INLINE("QQ==", "text/plain")},
        {"the data URL's type counts",
         FILE_OF("'filename':'a.bin','file_data':'data:text/plain;base64,QQ=='"),
         INLINE("QQ==", "text/plain")},
        {"a file of the provider's", FILE_OF("'file_id':'files/abc'"), URI(GOOGLE "abc")},
        {"its URI and a name", FILE_OF("'file_id':'" GOOGLE "abc','filename':'a.pdf'"),
         URI_OF(GOOGLE "abc", "application/pdf")},
        {"its type", FILE_OF("'file_id':'files/abc','format':'video/mp4'"),
         URI_OF(GOOGLE "abc", "video/mp4")},
        {"an address", SENDS("{'type':'input_file','file_url':'https://x.org/a.pdf'}"),
         URI_OF("https://x.org/a.pdf", "application/pdf")},
        {"beside the type", SENDS("{'type':'input_file','filename':'a.md','file_data':'QQ=='}"),
         INLINE("QQ==", "text/markdown")});
}

static void what_is_wrong_is_named(void **state)
{
#define PART "messages[0].content[0]."
    (void)state;
    REFUSES(
        {"no sound", SENDS("{'type':'input_audio'}"), ERROR_MISSING_PARAMETER, PART "input_audio"},
        {"no data", SENDS("{'type':'input_audio','input_audio':{'format':'wav'}}"),
         ERROR_MISSING_PARAMETER, PART "input_audio.data"},
        {"sound of an unknown kind", SENDS("{'type':'input_audio','input_audio':{'data':'QQ=='}}"),
         ERROR_BAD_VALUE, PART "input_audio.data"},
        {"a format that is none",
         SENDS("{'type':'input_audio','input_audio':{'data':'QQ==','format':'\\'},{'}}"),
         ERROR_BAD_VALUE, PART "input_audio.data"},
        {"a format of another type",
         SENDS("{'type':'input_audio','input_audio':{'data':'QQ==','format':1}}"), ERROR_BAD_TYPE,
         PART "input_audio.format"},
        {"a string", SENDS("{'type':'input_audio','input_audio':'QQ=='}"), ERROR_BAD_TYPE,
         PART "input_audio"},
        {"no base64", SENDS("{'type':'file','file':{'file_data':'%%%'}}"), ERROR_BAD_VALUE,
         PART "file.file_data"},
        {"nothing in the file", SENDS("{'type':'file','file':{'filename':'a.pdf'}}"),
         ERROR_MISSING_PARAMETER, PART "file.file_data"},
        {"no file", SENDS("{'type':'file'}"), ERROR_MISSING_PARAMETER, PART "file"},
        {"a file of OpenAI's", SENDS("{'type':'file','file':{'file_id':'file-abc'}}"),
         ERROR_UNSUPPORTED_VALUE, PART "file.file_id"},
        {"data of another type", SENDS("{'type':'file','file':{'file_data':5}}"), ERROR_BAD_TYPE,
         PART "file.file_data"},
        {"a bucket", SENDS("{'type':'video_url','video_url':{'url':'gs://a/b'}}"),
         ERROR_UNSUPPORTED_VALUE, PART "video_url.url"},
        {"an address, of an older model",
         SENDS_TO("gemini-2.0-flash", "{'type':'file','file':{'file_url':'https://x.org/a.pdf'}}"),
         ERROR_UNSUPPORTED_VALUE, PART "file.file_url"},
        {"frames that are none",
         SENDS("{'type':'video_url','video_url':{'url':'https://youtu.be/x','video_metadata':1}}"),
         ERROR_BAD_TYPE, PART "video_metadata"},
        {"a system's sound",
         "{'model':'gemini-2.5-flash','messages':[{'role':'system','content':[{'type':"
         "'input_audio'}]},{'role':'user','content':'Hi'}]}",
         ERROR_UNSUPPORTED_VALUE, PART "type"});
}

static void what_an_assistant_sent_is_mentioned(void **state)
{
    (void)state;
    TRANSLATES({"",
                "{'model':'gemini-2.5-flash','messages':[{'role':'user','content':'Hi'},{'role':"
                "'assistant','content':[{'type':'file','file':{}},{'type':'input_audio'},{'type':"
                "'image_url'}]},{'role':'user','content':'?'}]}",
                "{'contents':[{'role':'user','parts':[{'text':'Hi'}]},{'role':'model','parts':[{"
                "'text':'[file]'},{'text':'[audio]'},{'text':'[image]'}]},{'role':'user','parts':"
                "[{'text':'?'}]}]}"});
}

static void newer_models_get_the_signatures_of_their_pictures(void **state)
{
#define DREW(model, more, content)                                                                 \
    "{'model':'" model "','messages':[{'role':'user','content':'Hi'},{'role':'assistant'," content \
    ",'images':[{'type':'image_url','image_url':{'url':'data:image/png;base64,QQ=='}" more         \
    "}]},{'role':'user','content':'?'}]}"
#define DRAWN(parts)                                                                               \
    "{'contents':[{'role':'user','parts':[{'text':'Hi'}]},{'role':'model','parts':[" parts         \
    "]},{'role':'user','parts':[{'text':'?'}]}]}"
#define PNG_PART(more) "{'inlineData':{'data':'QQ==','mimeType':'image/png'}" more "}"
#define SKIPPED ",'thoughtSignature':'skip_thought_signature_validator'"
    (void)state;
    TRANSLATES(
        {"its own",
         DREW("gemini-3-pro-image-preview",
              ",'extra_content':{'google':{'thought_signature':'c2lnbmVkIQ=='}}", "'content':null"),
         DRAWN(PNG_PART(",'thoughtSignature':'c2lnbmVkIQ=='"))},
        {"none", DREW("gemini-3.1-flash-image", "", "'content':''"), DRAWN(PNG_PART(SKIPPED))},
        {"in Markdown",
         DREW("gemini-3.1-flash-image", "", "'content':'![a](data:image/png;base64,QQ==)'"),
         DRAWN(PNG_PART(SKIPPED) "," PNG_PART(SKIPPED))},
        {"an older model", DREW("gemini-2.5-flash-image", "", "'content':''"),
         DRAWN(PNG_PART(""))});
}

static void what_the_provider_keeps_is_noted(void **state)
{
    struct bytes in = json_of(
        "{'model':'gemini-2.5-flash','cached_content':'c','messages':[{'role':'user','content':["
        "{'type':'file','file':{'file_id':'files/a'}},{'type':'image_url','image_url':'" GOOGLE
        "b'},{'type':'video_url','video_url':'https://youtu.be/x'}]}]}");
    struct bytes why = {0};
    struct ask ask = {0};
    const char *param;

    (void)state;
    assert_int_equal(openai_chat_request(bytes_view(&in), &ask, &why, &param), ERROR_NONE);
    assert_string_equal(bytes_cstr(&ask.names), "files/a files/b cachedContents/c");
    ask_clear(&ask);
    bytes_clear(&in);
    bytes_clear(&why);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, plain_options)
    const struct CMUnitTest tests[] = {
        TEST(addresses_are_left_to_the_provider),
        TEST(sound_has_a_format),
        TEST(videos),
        TEST(files_have_a_name),
        TEST(what_is_wrong_is_named),
        TEST(what_an_assistant_sent_is_mentioned),
        TEST(newer_models_get_the_signatures_of_their_pictures),
        TEST(what_the_provider_keeps_is_noted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
