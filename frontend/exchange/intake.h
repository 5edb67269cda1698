/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a long body from its client to the road, at the pace of who takes it. */
#pragma once

#include "exchange/exchange.h"

struct intake;

/* NULL: h2o has the body as a whole. It lives in the request's memory and dies with it. */
struct intake *intake_open(h2o_req_t *req);

/* Borrowed: it may become the body of one call. */
struct body *intake_body(const struct intake *intake);

/* The exchange runs: what comes goes to its call. */
void intake_begin(struct intake *intake, struct exchange *exchange);
