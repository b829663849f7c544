/* SHA-256, as a stream. nettle's, not libcrypto's: loading the latter costs each job more than a
 * millisecond. */
#ifndef XPM_BASE_SHA256_H
#define XPM_BASE_SHA256_H

#include <nettle/sha2.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sha256_ctx xpm__sha256;

static inline void xpm__sha256_init(xpm__sha256 *hash)
{
    sha256_init(hash);
}

static inline void xpm__sha256_add(xpm__sha256 *hash, const void *data, size_t size)
{
    sha256_update(hash, size, data);
}

static inline void xpm__sha256_end(xpm__sha256 *hash, uint8_t digest[SHA256_DIGEST_SIZE])
{
    sha256_digest(hash, SHA256_DIGEST_SIZE, digest);
}

#endif
