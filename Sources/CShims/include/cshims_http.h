#ifndef SHOAL_CSHIMS_HTTP_H
#define SHOAL_CSHIMS_HTTP_H
// The variadic functions of libmicrohttpd and libcurl, and callbacks with one fixed shape.
#include <stddef.h>
#include <stdint.h>

struct MHD_Daemon;
struct MHD_Connection;

// What an HTTP daemon calls back. Every function runs on one of the daemon's own threads.
struct shoal_http_callbacks {
    void *context;
    // The raw request target arrived (NULL if there is none); the result is the request's own pointer.
    void *(*target)(void *context, struct MHD_Connection *connection, const char *target);
    // Headers, a part of the body (*size > 0), or the end of the request. 0 closes the connection.
    int (*receive)(void *context, struct MHD_Connection *connection, const char *method, const char *version,
                   const char *data, size_t *size, void **request);
    // The last call for `request`; `complete` is 0 if the client went away before its answer.
    void (*completed)(void *context, struct MHD_Connection *connection, void *request, int complete);
    // A line of the library's own diagnostics.
    void (*log)(void *context, const char *line);
};

struct shoal_http_options {
    int listen_fd;               // bound and listening; owned by the daemon once it has started
    unsigned int threads;        // polling threads, 1 or more
    unsigned int connections;    // limit of open connections
    size_t connection_memory;    // bytes of header and buffer memory per connection
    unsigned int idle_seconds;   // an idle connection is closed after this long
};

// Starts the daemon, or returns NULL. `callbacks` must live until the daemon has stopped.
struct MHD_Daemon *shoal_http_start(const struct shoal_http_options *options, struct shoal_http_callbacks *callbacks);

// The socket of a connection, or -1.
int shoal_http_connection_fd(struct MHD_Connection *connection);

// curl_easy_setopt and friends, one function per argument type. They return a CURLcode.
int shoal_curl_set_long(void *easy, int option, long value);
int shoal_curl_set_offset(void *easy, int option, int64_t value);
int shoal_curl_set_string(void *easy, int option, const char *value);
int shoal_curl_set_pointer(void *easy, int option, void *value);
int shoal_curl_get_long(void *easy, int option, long *value);

// What a transfer calls back with `context`; the meanings of the results are libcurl's.
struct shoal_curl_callbacks {
    size_t (*write)(char *data, size_t size, size_t count, void *context);
    size_t (*header)(char *data, size_t size, size_t count, void *context);
    size_t (*read)(char *buffer, size_t size, size_t count, void *context);
    int (*seek)(void *context, int64_t offset, int origin);
    int (*progress)(void *context, int64_t download_total, int64_t downloaded, int64_t upload_total, int64_t uploaded);
};
int shoal_curl_set_callbacks(void *easy, const struct shoal_curl_callbacks *callbacks, void *context);

// The next finished transfer of a multi handle: its easy handle and CURLcode, or NULL.
void *shoal_curl_next_done(void *multi, int *code);
#endif
