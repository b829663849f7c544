/* SHA-256, as a stream. nettle's, not libcrypto's: loading the latter costs each job more than a
 * millisecond. */
#ifndef XPM_BASE_SHA256_H
#define XPM_BASE_SHA256_H

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What is added comes in pieces of a few bytes, which are gathered first. */
typedef struct xpm__sha256 {
    struct sha256_ctx context;
    size_t gathered;
    uint8_t pieces[2 * SHA256_BLOCK_SIZE];
} xpm__sha256;

static inline void xpm__sha256_init(xpm__sha256 *hash)
{
    sha256_init(&hash->context);
    hash->gathered = 0;
}

static inline void xpm__sha256_add(xpm__sha256 *hash, const void *data, size_t size)
{
    if (size > sizeof hash->pieces - hash->gathered) {
        sha256_update(&hash->context, hash->gathered, hash->pieces);
        hash->gathered = 0;
        if (size > sizeof hash->pieces) {
            sha256_update(&hash->context, size, data);
            return;
        }
    }
    memcpy(hash->pieces + hash->gathered, data, size);
    hash->gathered += size;
}

static inline void xpm__sha256_end(xpm__sha256 *hash, uint8_t digest[SHA256_DIGEST_SIZE])
{
    sha256_update(&hash->context, hash->gathered, hash->pieces);
    sha256_digest(&hash->context, SHA256_DIGEST_SIZE, digest);
}

#endif
