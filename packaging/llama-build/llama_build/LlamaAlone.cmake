# llama.cpp's common library is half of its build, and the binding loads only llama and ggml. The binding forces it on in
# the cache; a variable of this directory comes before the cache (policy CMP0126).
set(LLAMA_BUILD_COMMON OFF)

# An answer's time is spent in ggml-cpu. What is around it only loads files and builds graphs: reading its headers once
# and optimising it less takes a third off the build and nothing off the answers.
if(PROJECT_NAME STREQUAL "llama.cpp")
    cmake_language(DEFER CALL target_precompile_headers llama PRIVATE
        "$<$<COMPILE_LANGUAGE:CXX>:${CMAKE_CURRENT_SOURCE_DIR}/src/llama-model.h>"
        "$<$<COMPILE_LANGUAGE:CXX>:<regex$<ANGLE-R>>")
    if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
        cmake_language(DEFER CALL target_compile_options llama PRIVATE -O1)
        cmake_language(DEFER CALL target_compile_options ggml-base PRIVATE -O1)
    endif()
endif()
