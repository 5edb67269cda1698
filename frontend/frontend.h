/* SPDX-License-Identifier: Apache-2.0 */
/* The frontend's parts, put together by main.c. */
#pragma once

#include "road/balancer_link.h"
#include "road/calls.h"
#include "http/health.h"
#include "parts/refusal.h"
#include "exchange/reply.h"
#include "http/tokens.h"
#include "road/upstream_link.h"
#include "web/web.h"

struct frontend {
    struct actor actor;
    struct web web;
    struct tokens tokens;
    struct balancers balancers;
    struct upstreams upstreams;
    struct calls calls;
    struct replies replies;
    struct refusals refusals;
    struct health health;
};

/* Brings the health report's facts up to date. */
void frontend_look(struct frontend *frontend, uint64_t now_ms);
