/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files it is given, without libFuzzer: `make check` and `make test`
 * replay the corpora with it. A target that finds something aborts (or the sanitizer does), so
 * reaching the last line means that all passed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Each input gets memory of its exact size, so that the sanitizer sees a read past its end. */
static uint8_t *file_read(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
        perror(path);
        exit(2);
    }
    rewind(file);
    data = malloc(size > 0 ? (size_t)size : 1);
    if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size) {
        perror(path);
        exit(2);
    }
    fclose(file);
    *len = (size_t)size;
    return data;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t len;
        uint8_t *data = file_read(argv[i], &len);

        fprintf(stderr, "%s\n", argv[i]); /* the last one printed is the culprit */
        LLVMFuzzerTestOneInput(data, len);
        free(data);
    }
    printf("%d passed, 0 failed\n", argc - 1);
    return argc > 1 ? 0 : 2;
}
