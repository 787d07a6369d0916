import Glibc

/// The configuration files of a private server, written anew at every start.
///
/// Small and durable: a laptop runs several. `pg/local.conf`, if it exists, comes last and wins.
struct ServerConfiguration {
    var socketDirectory: String
    /// The system users that may log in as ``role``.
    var clients: [String]

    /// The database superuser, and the name of the database.
    static let role = "shoal"

    func postgresqlConf() -> String {
        """
        # Written by shoal at every start. Put settings of your own into ../local.conf.
        listen_addresses = ''
        port = 5432
        unix_socket_directories = '\(Self.escaped("\"" + socketDirectory.replacing("\"", with: "\"\"") + "\""))'
        unix_socket_permissions = 0700
        max_connections = 20
        superuser_reserved_connections = 2

        # Memory: a few small servers share one machine.
        shared_buffers = 32MB
        work_mem = 8MB
        maintenance_work_mem = 64MB
        effective_cache_size = 512MB
        huge_pages = off
        dynamic_shared_memory_type = \(Self.sharedMemory)
        temp_file_limit = 4GB

        # Durable, with a bounded log: at most about 256 MB of pg_wal.
        fsync = on
        synchronous_commit = on
        full_page_writes = on
        wal_level = minimal
        max_wal_senders = 0
        min_wal_size = 32MB
        max_wal_size = 256MB
        checkpoint_timeout = 5min
        checkpoint_completion_target = 0.9

        # Few processes.
        max_worker_processes = 2
        max_parallel_workers = 0
        max_parallel_workers_per_gather = 0
        max_logical_replication_workers = 0
        autovacuum = on
        autovacuum_max_workers = 1
        jit = off

        # The supervisor writes standard error to postgres.log and bounds it.
        logging_collector = off
        log_destination = 'stderr'
        log_line_prefix = '%m [%p] '
        log_timezone = 'UTC'
        log_checkpoints = off
        log_min_duration_statement = 2s
        # What statements carry is nobody's business, and may be large.
        log_parameter_max_length = 0
        log_parameter_max_length_on_error = 0

        timezone = 'UTC'
        datestyle = 'ISO'
        lc_messages = 'C'
        lc_monetary = 'C.UTF-8'
        lc_numeric = 'C.UTF-8'
        lc_time = 'C.UTF-8'
        default_text_search_config = 'pg_catalog.english'
        include_if_exists = '../local.conf'

        """
    }

    func hbaConf() -> String {
        """
        # Written by shoal at every start. Nobody but the users in pg_ident.conf, and only by the Unix socket.
        local all all peer map=shoal

        """
    }

    func identConf() -> String {
        let lines = clients.map { "shoal \"\($0)\" \(Self.role)\n" }
        return "# Written by shoal at every start: the node's user, PostgreSQL's user, root.\n" + lines.joined()
    }

    /// Some containers have no usable /dev/shm.
    private static var sharedMemory: String {
        Files.status("/dev/shm").map { $0.st_mode & 0o002 != 0 } == true ? "posix" : "mmap"
    }

    /// For use inside single quotes in postgresql.conf.
    static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("'", with: "''")
    }
}
