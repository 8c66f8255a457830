package laionaudio;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.UUID;
import org.apache.beam.model.pipeline.v1.RunnerApi;
import org.apache.beam.runners.fnexecution.provisioning.JobInfo;
import org.apache.beam.runners.spark.SparkPipelineOptions;
import org.apache.beam.runners.spark.SparkPipelineRunner;
import org.apache.beam.runners.spark.coders.SparkRunnerKryoRegistrator;
import org.apache.beam.runners.spark.translation.SparkContextFactory;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.util.construction.PipelineOptionsTranslation;
import org.apache.beam.vendor.grpc.v1p69p0.com.google.protobuf.Struct;
import org.apache.beam.vendor.grpc.v1p69p0.com.google.protobuf.util.JsonFormat;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Runs a Beam pipeline on Spark: the program that spark-submit starts.
 *
 * <p>Arguments: the folder of the job, which holds pipeline.pb and options.json, and the number of parts that the work has at least. After a
 * failure the folder holds failure.txt. Lines on standard output say how far the job is.
 */
public final class Submit {
  private static final int PARTS_PER_CORE = 3; // so that a slow part does not leave the other cores without work
  private static final long SETTLE_MILLIS = 1000; // executors of a cluster start at about the same time

  /**
   * How Spark refuses to go on when an executor is lost after a step that read its elements from a Reshuffle of a Reshuffle: the second
   * divides them otherwise when it is made again. The pipeline is then run from its start; what is published already is skipped.
   */
  private static final String LOST_INPUT = "indeterminate output";

  private static final int ATTEMPTS = 4; // as often as Spark tries a task

  private Submit() {}

  public static void main(String[] arguments) throws IOException {
    Path job = Paths.get(arguments[0]);
    EndWithParent.watch(System.in);
    try {
      run(job, Integer.parseInt(arguments[1]));
    } catch (Throwable error) {
      Files.write(job.resolve("failure.txt"), chain(error).getBytes(StandardCharsets.UTF_8));
      error.printStackTrace();
      System.exit(1);
    }
    System.exit(0); // threads of gRPC would keep the process for a while
  }

  private static void run(Path job, int parts) throws Exception {
    PipelineOptionsFactory.register(SparkPipelineOptions.class);
    RunnerApi.Pipeline pipeline = RunnerApi.Pipeline.parseFrom(Files.readAllBytes(job.resolve("pipeline.pb")));
    Struct.Builder given = Struct.newBuilder();
    JsonFormat.parser().merge(new String(Files.readAllBytes(job.resolve("options.json")), StandardCharsets.UTF_8), given);
    SparkPipelineOptions options = PipelineOptionsTranslation.fromProto(given.build()).as(SparkPipelineOptions.class);
    options.setUsesProvidedSparkContext(true);
    FileSystems.setDefaultPipelineOptions(options);
    SparkConf conf = new SparkConf().set("spark.kryo.registrator", SparkRunnerKryoRegistrator.class.getName());
    boolean isDivided = conf.contains("spark.default.parallelism");
    JavaSparkContext context = new JavaSparkContext(conf);
    EndWithParent.context = context;
    int cores = waitForCores(context);
    if (!isDivided) { // Spark reads it again for each shuffle
      context.sc().conf().set("spark.default.parallelism", Integer.toString(Math.max(parts, PARTS_PER_CORE * cores)));
    }
    SparkContextFactory.setProvidedSparkContext(context);
    for (int attempt = 1; ; attempt++) {
      String id = options.getJobName() + "_" + UUID.randomUUID();
      JobInfo info = JobInfo.create(id, options.getJobName(), "", PipelineOptionsTranslation.toProto(options));
      try {
        new SparkPipelineRunner(options).run(pipeline, info);
        break;
      } catch (RuntimeException error) {
        if (attempt == ATTEMPTS || !chain(error).contains(LOST_INPUT)) {
          throw error;
        }
        error.printStackTrace();
      }
    }
    context.stop();
  }

  /** Waits until executors are there, and no more come. Returns the number of their cores. */
  private static int waitForCores(JavaSparkContext context) throws InterruptedException {
    System.out.println("laion-audio: connected");
    int before = 0;
    while (true) {
      boolean isReady = context.sc().isLocal() || context.sc().statusTracker().getExecutorInfos().length > 1; // the driver is one of them
      int cores = isReady ? context.defaultParallelism() : 0;
      if (isReady && (cores == before || context.sc().isLocal())) {
        System.out.println("laion-audio: running");
        return cores;
      }
      before = cores;
      Thread.sleep(isReady ? SETTLE_MILLIS : SETTLE_MILLIS / 5);
    }
  }

  /** Returns the messages of an error and its causes, one after the other. */
  private static String chain(Throwable error) {
    StringBuilder text = new StringBuilder();
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      text.append(cause).append("\n\n");
    }
    return text.toString();
  }
}
