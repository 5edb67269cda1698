/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a schema object that hold no other schema, written if it has them. For schema.c. */
#pragma once

#include "openai/chat/schema_facts.h"

/* The types, as one or as a list. */
void words_types(struct walk *walk, unsigned some);

void words_title(struct walk *walk, const struct node *node);
void words_format(struct walk *walk, const struct node *node, const struct facts *facts);

/* The description, and what the provider doesn't know but the model should. */
void words_description(struct walk *walk, const struct node *node, const struct facts *facts);

/* Whether its values can stand in an enum, and that. */
bool words_are_enum(const struct walk *walk, const struct facts *facts);
void words_enum(struct walk *walk, const struct facts *facts);

/* Two words that count something. */
void words_counts(struct walk *walk, const struct node *node, const char *const names[2]);

/* Those about texts, and about numbers. */
void words_text(struct walk *walk, const struct node *node);
void words_number(struct walk *walk, const struct node *node);
