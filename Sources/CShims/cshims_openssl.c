#include "cshims_openssl.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <string.h>

static int io_read(BIO *bio, char *into, int capacity) {
    shoal_tls_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (into == NULL || capacity <= 0) return 0;
    if (io->input_count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t count = io->input_count < (size_t)capacity ? io->input_count : (size_t)capacity;
    memcpy(into, io->input, count);
    io->input += count;
    io->input_count -= count;
    return (int)count;
}

static int io_write(BIO *bio, const char *from, int count) {
    shoal_tls_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (from == NULL || count <= 0) return 0;
    if (io->output_capacity - io->output_count < (size_t)count) {
        BIO_set_retry_write(bio);
        return -1;
    }
    memcpy(io->output + io->output_count, from, (size_t)count);
    io->output_count += (size_t)count;
    return count;
}

static long io_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int io_create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

// One for the process: the numbers of BIO types are few and are never given back.
static BIO_METHOD *method;
static CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;

static void make_method(void) {
    BIO_METHOD *made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "shoal socket");
    if (made == NULL) return;
    BIO_meth_set_read(made, io_read);
    BIO_meth_set_write(made, io_write);
    BIO_meth_set_ctrl(made, io_control);
    BIO_meth_set_create(made, io_create);
    method = made;
}

int shoal_tls_attach(SSL *ssl, shoal_tls_io *io) {
    if (!CRYPTO_THREAD_run_once(&method_once, make_method) || method == NULL) return 0;
    BIO *bio = BIO_new(method);
    if (bio == NULL) return 0;
    BIO_set_data(bio, io);
    SSL_set_bio(ssl, bio, bio);
    return 1;
}

int shoal_tls_configure(SSL_CTX *context, int min_version, int max_version) {
    enum { certificate_bytes = 4096 };
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 0);
    SSL_CTX_set_max_cert_list(context, certificate_bytes);
    return SSL_CTX_set_min_proto_version(context, min_version) == 1
        && SSL_CTX_set_max_proto_version(context, max_version) == 1
        && SSL_CTX_set_num_tickets(context, 0) == 1
        && SSL_CTX_set_max_early_data(context, 0) == 1
        && SSL_CTX_set_recv_max_early_data(context, 0) == 1
        && SSL_CTX_set1_sigalgs_list(context, "ed25519") == 1
        && SSL_CTX_set1_groups_list(context, "X25519") == 1;
}
