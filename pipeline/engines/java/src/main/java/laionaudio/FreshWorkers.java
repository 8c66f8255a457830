package laionaudio;

import java.lang.reflect.Field;
import java.util.Map;
import org.apache.beam.runners.spark.translation.SparkExecutableStageContextFactory;
import org.apache.spark.TaskFailedReason;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.SparkPlugin;

/**
 * Gives the next attempt a new Python worker after a task has failed.
 *
 * <p>An executor of Beam keeps its Python worker for later tasks, also when it has died (Beam 2.70): each attempt on that executor would
 * fail at once, and the job with them. Attempts that still run keep the worker that they have.
 */
public final class FreshWorkers implements SparkPlugin {
  @Override
  public DriverPlugin driverPlugin() {
    return null;
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new ExecutorPlugin() {
      @Override
      public void onTaskFailed(TaskFailedReason reason) {
        forgetWorkers();
      }
    };
  }

  private static void forgetWorkers() {
    try {
      Field workers = SparkExecutableStageContextFactory.class.getDeclaredField("jobFactories");
      workers.setAccessible(true);
      ((Map<?, ?>) workers.get(null)).clear();
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException("this version of Beam keeps its Python workers elsewhere", error);
    }
  }
}
