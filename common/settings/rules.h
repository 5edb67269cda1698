/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings must satisfy beyond their types. */
#pragma once

/* Looks at `options`; ends the process (option_complain) if something is wrong. */
void option_rules_check(void);
