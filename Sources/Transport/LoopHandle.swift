internal import CUV
internal import Glibc

/// Something the event loop watches: the common life of all libuv handles.
///
/// libuv needs the memory of a handle until its close callback has run, which is always in a later step of
/// the loop. So the handle keeps its object alive until then, and the object frees the memory last.
public class LoopHandle {
    private let raw: UnsafeMutableRawPointer
    /// True as soon as the handle began to close; it calls nothing back any more.
    public private(set) final var isClosing = false

    /// Allocates a `Handle` and lets `start` hand it to libuv. On an error of `start` nothing remains.
    init<Handle>(
        _ type: Handle.Type, operation: String, start: (UnsafeMutablePointer<Handle>) -> Int32
    ) throws(TransportError) {
        let memory = UnsafeMutablePointer<Handle>.allocate(capacity: 1)
        memset(memory, 0, MemoryLayout<Handle>.size)
        raw = UnsafeMutableRawPointer(memory)
        let status = start(memory)
        if status != 0 { throw .system(operation: operation, status) }
        let retained = Unmanaged.passRetained(self).toOpaque()
        uv_handle_set_data(raw.assumingMemoryBound(to: uv_handle_t.self), retained)
    }

    deinit { raw.deallocate() }

    /// The libuv handle under the type that a libuv function asks for.
    final func pointer<Handle>(as type: Handle.Type = Handle.self) -> UnsafeMutablePointer<Handle> {
        raw.assumingMemoryBound(to: type)
    }

    /// The object that owns a handle that libuv passes to a callback.
    static func owner<Handle>(of handle: UnsafeMutablePointer<Handle>?) -> Self {
        let data = uv_handle_get_data(UnsafeRawPointer(handle!).assumingMemoryBound(to: uv_handle_t.self))
        return unsafeDowncast(Unmanaged<LoopHandle>.fromOpaque(data!).takeUnretainedValue(), to: Self.self)
    }

    /// Ends the watch. Safe to repeat, and from within the handle's own callback.
    public final func cancel() {
        guard !isClosing else { return }
        isClosing = true
        uv_close(pointer()) { handle in
            let data = uv_handle_get_data(handle)
            let owner = Unmanaged<LoopHandle>.fromOpaque(data!).takeRetainedValue()
            owner.didClose()
        }
    }

    /// Called once, when libuv has let go of the handle.
    func didClose() {}
}
