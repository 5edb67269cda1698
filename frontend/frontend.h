/* SPDX-License-Identifier: Apache-2.0 */
/* The frontend's parts, put together by main.c. */
#pragma once

#include "actor.h"
#include "exchange/exchange.h"
#include "news.h"
#include "http/health.h"
#include "http/tokens.h"
#include "parts/catalog_reader.h"
#include "parts/refusal.h"
#include "parts/seal.h"
#include "parts/signatures.h"
#include "road/road.h"
#include "web/web.h"

struct frontend {
    struct actor actor;
    struct web web;
    struct tokens tokens;
    struct road *road;
    struct exchanges exchanges;
    struct refusals refusals;
    struct seals seals;
    struct signatures signatures;
    struct catalog catalog;
    struct catalog_reader models; /* asks for the catalog */
    struct health health;
    struct news news;
};
