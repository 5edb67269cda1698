/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what the documentation takes from the tables: `describe protocol` is docs/PROTOCOL.md,
 * `describe settings` the README's table. Run by `make docs` and compared by `make check`, so
 * neither can fall behind. */
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "question.h"
#include "settings/options.h"

static const char *field_type_name(enum field_type type)
{
    switch (type) {
    case FIELD_u64:
        return "u64";
    case FIELD_str:
        return "str";
    case FIELD_bin:
        return "bin";
    case FIELD_boolean:
        return "boolean";
    case FIELD_secret:
        return "secret";
    }
    return "";
}

static void print_roles(unsigned roles)
{
    const char *comma = "";

    for (unsigned role = 1; role <= ROLE_ADMIN; role <<= 1) {
        if (roles & role) {
            printf("%s%s", comma, role_name(role));
            comma = ", ";
        }
    }
}

static void print_message(unsigned kind, const struct message_facts *message)
{
    printf("\n## %u %s\n\n", kind, message->name);
    print_roles(message->from);
    printf(" → ");
    print_roles(message->to);
    printf(": %s\n", message->text);
    if (message->fields->name == NULL) {
        return;
    }
    printf("\n| field | type | what it says |\n| --- | --- | --- |\n");
    for (const struct field *field = message->fields; field->name != NULL; field++) {
        printf("| %s | %s%s | %s |\n", field->name, field_type_name(field->type),
               field->is_optional ? ", optional" : "", field->text);
    }
}

static void print_question(const struct question_facts *question)
{
    printf("\n### %s\n\n%s.\n\n| parameter | bounds | what it says |\n| --- | --- | --- |\n",
           question->name, question->text);
    for (const struct parameter *parameter = question->parameters;
         parameter->type != PARAMETER_NONE; parameter++) {
        if (parameter->type == PARAMETER_NUMBER)
            printf("| %s | %llu to %llu | %s |\n", parameter->name,
                   (unsigned long long)parameter->least, (unsigned long long)parameter->most,
                   parameter->text);
        else
            printf("| %s | %llu bytes | %s |\n", parameter->name,
                   (unsigned long long)parameter->most, parameter->text);
    }
}

static void print_questions(void)
{
    printf(
        "\n## Questions\n\n"
        "What ASK may name at `recorder query`, from `proto/questions.def`. The data of an ASK is\n"
        "a JSON object of parameters, none of them required; that of its ANSWER `{\"rows\":[…]}`\n"
        "or `{\"error\":{\"code\":…,\"message\":…}}` with the code unknown_question, "
        "bad_parameter,\n"
        "busy, timeout, database_away or database.\n");
    for (enum question question = 0; question < QUESTIONS; question++)
        print_question(&questions[question]);
}

static void print_protocol(void)
{
    printf("# Protocol\n\n"
           "The letters that the processes exchange. Written by `make docs` from\n"
           "`proto/messages.def`; edit that.\n\n"
           "A ZeroMQ message is one frame of letters back to back, behind the routing id on a\n"
           "ROUTER. From an upstream to frontends that frame begins with the frontend's\n"
           "incarnation (8 bytes, big endian). A letter is a msgpack array: the kind's number,\n"
           "then the fields in order. A reader takes a missing tail as absent and skips what it\n"
           "does not know. What the letters are for, and how they survive a kill, is in\n"
           "[ARCHITECTURE.md](ARCHITECTURE.md). Version %d.\n",
           PROTOCOL_VERSION);
    for (unsigned kind = 1; kind < MSG_KINDS; kind++)
        print_message(kind, &messages[kind]);
    print_questions();
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "protocol") == 0) {
        print_protocol();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "settings") == 0) {
        options_print_table();
        return 0;
    }
    fprintf(stderr, "usage: describe protocol|settings\n");
    return 2;
}
