import CMicroHTTPD

extension Exchange {
    /// Hands a complete body to libmicrohttpd, which copies it.
    func queueBytes(_ connection: OpaquePointer, _ response: Response, _ bytes: [UInt8]) -> Bool {
        let raw = bytes.withUnsafeBytes { bytes in
            MHD_create_response_from_buffer(
                bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
        }
        return queue(connection, raw, response)
    }

    /// Lets libmicrohttpd pull the body from `stream`; the answer holds a reference until it is freed.
    func queueStream(_ connection: OpaquePointer, _ response: Response, _ stream: StreamWriter) -> Bool {
        let context = Unmanaged.passRetained(stream).toOpaque()
        let raw = MHD_create_response_from_callback(
            .max, 64 << 10,
            { context, _, buffer, size in
                guard let context, let buffer else { return -2 }
                let stream = Unmanaged<StreamWriter>.fromOpaque(context).takeUnretainedValue()
                return stream.fill(UnsafeMutableRawBufferPointer(start: buffer, count: size))
            },
            context,
            { context in
                if let context { Unmanaged<StreamWriter>.fromOpaque(context).release() }
            })
        if raw == nil { Unmanaged<StreamWriter>.fromOpaque(context).release() }
        return queue(connection, raw, response)
    }

    private func queue(_ connection: OpaquePointer, _ raw: OpaquePointer?, _ response: Response) -> Bool {
        guard let raw else { return false }
        defer { MHD_destroy_response(raw) }
        for field in response.headers.fields {
            // Refused are line breaks and fields that the library sets itself; the body still goes out.
            _ = MHD_add_response_header(raw, field.name, field.value)
        }
        return MHD_queue_response(connection, UInt32(response.status), raw) == .YES
    }
}
