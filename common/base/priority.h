/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes first when there are more things to do than cores. */
#pragma once

/* The calling thread, and those that it starts from now on, answers clients: it asks the kernel for
 * short turns, and so need not wait until another's turn of some milliseconds is over. Linux 6.12 and
 * newer; older ones take no notice. */
void priority_answers(void);

/* …can wait: it interrupts nobody, and has a small share of a busy core. */
void priority_waits(void);
