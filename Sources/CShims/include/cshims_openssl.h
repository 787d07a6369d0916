#ifndef SHOAL_CSHIMS_OPENSSL_H
#define SHOAL_CSHIMS_OPENSSL_H
// OpenSSL for Transport: what OpenSSL offers as C macros only, and a BIO without buffers of its own.
//
// Names only, no <openssl/…> here: other importers of CShims do not see OpenSSL.
#include <stddef.h>

struct ssl_ctx_st;
struct ssl_st;

/// Where one event loop exchanges bytes with OpenSSL. All its connections share one, because each call
/// into OpenSSL consumes `input` whole and the caller empties `output` before it turns to another
/// connection: an idle connection then owns no buffer.
typedef struct shoal_tls_io {
    const unsigned char *input;  ///< received from the socket, not yet read by OpenSSL
    size_t input_count;
    unsigned char *output;       ///< produced by OpenSSL, not yet sent
    size_t output_count;
    size_t output_capacity;
} shoal_tls_io;

/// Gives `ssl` one BIO over `io` for both directions; `io` must outlive `ssl`. 1, or 0 when out of memory.
int shoal_tls_attach(struct ssl_st *ssl, shoal_tls_io *io);

/// Sets the versions allowed and turns off all that outlives a connection or keeps memory for it: tickets,
/// resumption, early data, read-ahead, idle buffers. Only Ed25519 certificates and X25519. 1, or 0.
int shoal_tls_configure(struct ssl_ctx_st *context, int min_version, int max_version);

#endif
