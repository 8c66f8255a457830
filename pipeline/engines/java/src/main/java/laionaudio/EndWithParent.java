package laionaudio;

import java.io.IOException;
import java.io.InputStream;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Ends a job when the process that submitted it ends, however it ends: the operating system then closes the other end of standard input.
 *
 * <p>Without this the job would hold the cores of the cluster and go on by itself.
 */
final class EndWithParent {
  private static final int CANCELLED = 143; // as of a process that SIGTERM ended
  private static final long STOP_MILLIS = 8000; // the master then frees the cores by itself, when it sees the connection close

  static volatile JavaSparkContext context;

  private EndWithParent() {}

  static void watch(InputStream input) {
    start("watch-parent", () -> {
      try {
        while (input.read() >= 0) {}
      } catch (IOException closed) {
        // as at its end
      }
      end();
    });
  }

  private static void end() {
    Thread stop = start("stop-spark", () -> {
      if (context != null) {
        context.stop();
      }
    });
    try {
      stop.join(STOP_MILLIS);
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(CANCELLED);
  }

  private static Thread start(String name, Runnable steps) {
    Thread thread = new Thread(steps, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
