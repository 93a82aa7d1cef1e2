/* minilm: sentence embeddings on the CPU.
 *
 *     minilm_encoder *encoder;
 *     if (minilm_load("weights/all-MiniLM-L6-v2", NULL, 0, &encoder) != MINILM_OK) {
 *         fprintf(stderr, "%s\n", minilm_last_error());
 *         return 1;
 *     }
 *     const char *texts[] = {"A man is eating food.", "Someone has a meal."};
 *     size_t n = minilm_dimension(encoder);
 *     float *embeddings = malloc(2 * n * sizeof *embeddings);
 *     if (minilm_encode(encoder, texts, 2, embeddings, 2 * n) == MINILM_OK)
 *         printf("%.4f\n", minilm_cosine(embeddings, embeddings + n, n));
 *     free(embeddings);
 *     minilm_free(encoder);
 *
 * An encoder may be used by any number of threads at once. The embedding of a text has the same
 * bits alone and with other texts, on any number of threads, on every CPU.
 */
#ifndef MINILM_H
#define MINILM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A model that is loaded. */
typedef struct minilm_encoder minilm_encoder;

/* What a call says. After anything but MINILM_OK, minilm_last_error() says why. */
typedef enum minilm_status {
    MINILM_OK = 0,
    /* A null pointer, a text that is not UTF-8, a small buffer, an unknown precision. */
    MINILM_ERROR_ARGUMENT = 1,
    /* The model could not be loaded. */
    MINILM_ERROR_LOAD = 2,
    /* The texts could not be encoded. */
    MINILM_ERROR_ENCODE = 3,
    /* A bug of minilm. The encoder may be used again. */
    MINILM_ERROR_PANIC = 4
} minilm_status;

/* The version of the library, "0.1.0". It is never null, and never to be freed. */
const char *minilm_version(void);

/* Why the last call on this thread failed, in UTF-8; empty if none has. It is valid until the next
 * call that fails on this thread, and not to be freed. */
const char *minilm_last_error(void);

/* Loads a model from a directory as sentence-transformers writes it.
 *
 * directory   a path in UTF-8
 * precision   "f32", "int16" or "int8"; null is that of the model's file
 * threads     that work at once: 1 is the calling thread, 0 is one for each CPU
 * encoder     set on success, to be freed by minilm_free; set to null otherwise */
minilm_status minilm_load(const char *directory, const char *precision, uint32_t threads,
                          minilm_encoder **encoder);

/* Frees an encoder, which no other call may be using. Null is no encoder, and fine. */
void minilm_free(minilm_encoder *encoder);

/* The floats of an embedding; 0 if encoder is null. */
size_t minilm_dimension(const minilm_encoder *encoder);

/* The longest text that is read whole, in tokens; 0 if encoder is null. */
size_t minilm_max_tokens(const minilm_encoder *encoder);

/* Encodes texts in UTF-8 that end in a zero byte.
 *
 * texts        count pointers; may be null if count is 0
 * embeddings   count rows of minilm_dimension floats, in the order of the texts; untouched on error
 * capacity     the floats that fit into embeddings */
minilm_status minilm_encode(const minilm_encoder *encoder, const char *const *texts, size_t count,
                            float *embeddings, size_t capacity);

/* The same for texts of these lengths in bytes, which need no zero byte at their end. */
minilm_status minilm_encode_lengths(const minilm_encoder *encoder, const char *const *texts,
                                    const size_t *lengths, size_t count, float *embeddings,
                                    size_t capacity);

/* The tokens of a text that the model reads, and those beyond its limit, which it drops. Either
 * result may be null. */
minilm_status minilm_count_tokens(const minilm_encoder *encoder, const char *text, size_t *used,
                                  size_t *dropped);

/* The cosine of two vectors of n floats, from -1 to 1; NaN if one is null, 0 if one is zero. */
float minilm_cosine(const float *a, const float *b, size_t n);

#ifdef __cplusplus
}
#endif

#endif
