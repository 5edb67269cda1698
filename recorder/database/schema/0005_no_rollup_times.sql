-- SPDX-License-Identifier: Apache-2.0
-- The table sum_times has what was in it.

DROP TABLE IF EXISTS rollup_times;
