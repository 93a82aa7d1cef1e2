/* Every function of minilm.h, as a program in C calls it; `cargo xtask check c` builds it, runs it,
 * and runs it under valgrind.
 *
 *     test DIRECTORY      the directory of all-MiniLM-L6-v2 */
#include "minilm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: %s is false; last error: %s\n", __FILE__, __LINE__,     \
                    #condition, minilm_last_error());                                      \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

#define N 384

static int says(const char *part) { return strstr(minilm_last_error(), part) != NULL; }

static void loading_fails_with_a_reason(const char *directory) {
    minilm_encoder *encoder = (minilm_encoder *)directory; /* anything but null */
    CHECK(minilm_load("/no/such/directory", NULL, 1, &encoder) == MINILM_ERROR_LOAD);
    CHECK(encoder == NULL && says("/no/such/directory"));
    CHECK(minilm_load(NULL, NULL, 1, &encoder) == MINILM_ERROR_ARGUMENT && says("directory is null"));
    CHECK(minilm_load(directory, "int4", 1, &encoder) == MINILM_ERROR_ARGUMENT && says("int4"));
    CHECK(minilm_load("\xff", NULL, 1, &encoder) == MINILM_ERROR_ARGUMENT && says("UTF-8"));
    CHECK(minilm_load(directory, NULL, 100000, &encoder) == MINILM_ERROR_LOAD && says("threads"));
    CHECK(minilm_load(directory, NULL, 1, NULL) == MINILM_ERROR_ARGUMENT && says("encoder is null"));
    CHECK(encoder == NULL);
}

static void null_is_no_encoder(void) {
    float row[N];
    const char *texts[] = {"x"};
    minilm_free(NULL);
    CHECK(minilm_dimension(NULL) == 0 && minilm_max_tokens(NULL) == 0);
    CHECK(minilm_encode(NULL, texts, 1, row, N) == MINILM_ERROR_ARGUMENT);
    CHECK(minilm_count_tokens(NULL, "x", NULL, NULL) == MINILM_ERROR_ARGUMENT);
}

static void texts_become_vectors(const minilm_encoder *encoder) {
    const char *texts[] = {"A man is eating food.", "Someone has a meal.", ""};
    const char joined[] = "A man is eating food.Someone has a meal.";
    const char *parts[] = {joined, joined + 21, NULL};
    const size_t lengths[] = {21, 19, 0};
    /* On the heap, so that valgrind sees a write beyond its end. */
    float *rows = malloc(3 * N * sizeof *rows);
    float *again = malloc(3 * N * sizeof *again);
    double length = 0;
    size_t i;
    CHECK(rows && again);
    CHECK(minilm_encode(encoder, texts, 3, rows, 3 * N) == MINILM_OK);
    for (i = 0; i < N; i++) length += (double)rows[i] * rows[i];
    CHECK(fabs(length - 1) < 1e-6);
    CHECK(fabs(minilm_cosine(rows, rows + N, N) - 0.6795) < 1e-4);
    CHECK(fabs(minilm_cosine(rows, rows, N) - 1) < 1e-6);

    CHECK(minilm_encode_lengths(encoder, parts, lengths, 3, again, 3 * N) == MINILM_OK);
    CHECK(memcmp(rows, again, 3 * N * sizeof *rows) == 0);
    CHECK(minilm_encode(encoder, texts + 1, 1, again, N) == MINILM_OK);
    CHECK(memcmp(rows + N, again, N * sizeof *rows) == 0); /* the same bits alone */
    free(rows);
    free(again);
}

static void wrong_arguments_change_nothing(const minilm_encoder *encoder) {
    const char *texts[] = {"one", NULL};
    const char *broken[] = {"fine", "\xc3("};
    float rows[2 * N];
    memset(rows, 0, sizeof rows);
    CHECK(minilm_encode(encoder, texts, 1, rows, N - 1) == MINILM_ERROR_ARGUMENT && says("384"));
    CHECK(minilm_encode(encoder, texts, 2, rows, 2 * N) == MINILM_ERROR_ARGUMENT);
    CHECK(says("texts[1] is null"));
    CHECK(minilm_encode(encoder, broken, 2, rows, 2 * N) == MINILM_ERROR_ARGUMENT);
    CHECK(says("texts[1] is not UTF-8"));
    CHECK(minilm_encode(encoder, texts, 1, NULL, N) == MINILM_ERROR_ARGUMENT);
    CHECK(minilm_encode(encoder, NULL, 1, rows, N) == MINILM_ERROR_ARGUMENT && says("texts is null"));
    CHECK(minilm_encode(encoder, texts, (size_t)-1, rows, N) == MINILM_ERROR_ARGUMENT);
    CHECK(minilm_encode_lengths(encoder, texts, NULL, 1, rows, N) == MINILM_ERROR_ARGUMENT);
    CHECK(minilm_encode(encoder, NULL, 0, NULL, 0) == MINILM_OK);
    CHECK(rows[0] == 0 && rows[2 * N - 1] == 0);
    CHECK(isnan(minilm_cosine(NULL, rows, N)) && minilm_cosine(rows, rows, N) == 0);
}

static void tokens_are_counted(const minilm_encoder *encoder) {
    size_t used = 0, dropped = 0;
    char *many = malloc(300 * 5 + 1);
    int i;
    CHECK(many);
    for (i = 0; i < 300; i++) memcpy(many + 5 * i, "word ", 5);
    many[300 * 5] = 0;
    CHECK(minilm_count_tokens(encoder, many, &used, &dropped) == MINILM_OK);
    CHECK(used == 256 && dropped == 46 && minilm_max_tokens(encoder) == 256);
    CHECK(minilm_count_tokens(encoder, "x", NULL, NULL) == MINILM_OK);
    CHECK(minilm_count_tokens(encoder, NULL, &used, NULL) == MINILM_ERROR_ARGUMENT);
    free(many);
}

int main(int count, char **arguments) {
    minilm_encoder *encoder;
    if (count != 2) return 2;
    CHECK(strlen(minilm_version()) >= 5 && strlen(minilm_last_error()) == 0);
    loading_fails_with_a_reason(arguments[1]);
    null_is_no_encoder();
    CHECK(minilm_load(arguments[1], "f32", 1, &encoder) == MINILM_OK);
    CHECK(minilm_dimension(encoder) == N);
    texts_become_vectors(encoder);
    wrong_arguments_change_nothing(encoder);
    tokens_are_counted(encoder);
    minilm_free(encoder);
    puts("ok");
    return 0;
}
