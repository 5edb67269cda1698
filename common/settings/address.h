/* SPDX-License-Identifier: Apache-2.0 */
/* ZeroMQ addresses, as settings and letters name them. */
#pragma once

/* What is wrong with the address (static text), or NULL. Beyond this host a link would need CURVE
 * keys. */
const char *address_fault(const char *address);
