/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what the documentation takes from the tables: `describe protocol` is docs/PROTOCOL.md,
 * `describe settings` docs/SETTINGS.md, `describe few-settings` the README's table. Run by `make
 * docs` and compared by `make check`, so none can fall behind. */
#include <stdio.h>
#include <string.h>

#include "message.h"
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
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "protocol") == 0) {
        print_protocol();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "settings") == 0) {
        options_print_all();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "few-settings") == 0) {
        options_print_few();
        return 0;
    }
    fprintf(stderr, "usage: describe protocol|settings|few-settings\n");
    return 2;
}
