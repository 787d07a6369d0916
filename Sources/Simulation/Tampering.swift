package import Identity
package import Peer

/// Where a test plants a bug: between the production machine and its surroundings, never inside it.
///
/// Called with the number of the site. By default nothing is changed.
package struct Tampering: Sendable {
    /// What a starting node reads back from its disk.
    package var recovered: @Sendable (Int, Disk, inout Recovered) -> Void = { _, _, _ in }
    /// What is made durable.
    package var batch: @Sendable (Int, inout StoreBatch) -> Void = { _, _ in }
    /// The state that a node announces for what is on its disk.
    package var state: @Sendable (Int, Disk, inout Hash32) -> Void = { _, _, _ in }

    package init() {}
}
